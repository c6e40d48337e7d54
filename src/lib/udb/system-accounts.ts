/** What the host under the site keeps for itself. */
export interface SystemAccounts {
  logins: ReadonlySet<string>;
  uids: ReadonlySet<number>;
}

/**
 * Accounts and groups that Debian, Arch and the services of a site make on some of their hosts, if not on this one: a
 * user of that name would be somebody else there.
 */
const WELL_KNOWN = new Set(
  `root toor daemon bin sys sync games man lp mail news uucp proxy www-data www backup list irc ircd gnats nobody nogroup
   nfsnobody http ftp adm wheel sudo sudoers shutdown halt operator admin administrator guest dbus messagebus polkitd avahi
   colord rtkit usbmux uuidd tss geoclue git nginx apache named bind dhcpd dhcp ddns kea tftp ntp chrony ntpsec sshd ssh
   rpc rpcuser rpcbind statd postgres mysql redis memcache memcached postfix postmaster dovecot dovenull exim prometheus
   grafana loki telegraf influxdb elasticsearch docker libvirt libvirt-qemu kvm qemu lxd nbd saned cups pulse pipewire
   gdm lightdm sddm greeter syslog journal users disk shadow utmp tty kmem audio video input render dialout cdrom floppy
   tape staff plugdev netdev crontab hostmaster webmaster abuse`.split(/\s+/),
);

/** Whether a login is the system's, here or on the usual hosts of a site. */
export function isSystemLogin(login: string, system: SystemAccounts): boolean {
  return system.logins.has(login) || WELL_KNOWN.has(login) || login.startsWith('systemd-');
}

/** Whether a UID is the system's: below 1000, systemd's own ranges, the two `nobody`s, or an account of this host. */
export function isSystemUid(uid: number, system: SystemAccounts): boolean {
  return (
    uid < 1000 ||
    (uid >= 60001 && uid <= 60513) || // systemd-homed
    (uid >= 60578 && uid <= 60705) || // sessions of systemd
    (uid >= 61184 && uid <= 65535) || // DynamicUser=, nobody, and -1 in 16 bits
    uid >= 4294967294 ||
    system.uids.has(uid)
  );
}

/** The accounts of a passwd file's text. */
export function parseAccounts(passwd: string): SystemAccounts {
  const fields = passwd
    .split('\n')
    .map((line) => line.split(':'))
    .filter((parts) => parts.length >= 3 && !parts[0]!.startsWith('#'));
  return {
    logins: new Set(fields.map(([login]) => login!.toLowerCase())),
    uids: new Set(fields.filter(([, , uid]) => /^\d+$/.test(uid!)).map(([, , uid]) => Number(uid))),
  };
}
