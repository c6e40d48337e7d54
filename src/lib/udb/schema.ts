import { Type } from 'typebox';

const publicFields = {
  id: Type.Integer(),
  login: Type.String(),
  firstname: Type.String(),
  lastname: Type.String(),
  uid: Type.Integer(),
  group: Type.String(),
  shell: Type.String(),
  ssh_key: Type.String(),
};

/** What anyone may see of a user. What its values may be is decided where users are changed. */
export const PublicUserSchema = Type.Object(publicFields);

/** As the feed carries a user. */
export const UserSchema = Type.Object({
  ...publicFields,
  password: Type.String({ description: 'a crypt(3) hash' }),
});

/** As who may read passwords gets a user. */
export const PrivateUserSchema = Type.Object({
  ...publicFields,
  password: Type.Union([Type.String(), Type.Null()], { description: 'null where only its hash is known' }),
});
