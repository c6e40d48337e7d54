/** Of what an operator or a site may say: longer ones overflow a timer, which then ends at once. */
export const MAX_SECONDS = 1_000_000;
