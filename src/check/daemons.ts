import { basename } from 'node:path';

/**
 * Programs that put themselves into the background: the process that my_init started ends at once,
 * and is started again and again while the daemon runs unsupervised. `foreground`: words that keep
 * it in front. Without `foreground`, only the words of `background` put the program there.
 */
interface Daemon {
  readonly foreground?: RegExp;
  readonly background?: RegExp;
  readonly remedy: string;
}

const DAEMONS: Readonly<Record<string, Daemon>> = {
  nginx: { foreground: /daemon\s+off/, remedy: "add -g 'daemon off;'" },
  apache2: { foreground: /FOREGROUND|-X\b/, remedy: 'add -D FOREGROUND' },
  httpd: { foreground: /FOREGROUND|-X\b|-f\b/, remedy: 'add -D FOREGROUND' },
  apachectl: { foreground: /FOREGROUND/, remedy: 'add -D FOREGROUND' },
  apache2ctl: { foreground: /FOREGROUND/, remedy: 'add -D FOREGROUND' },
  sshd: { foreground: /(^|\s)-\w*[Dd]/, remedy: 'add -D' },
  cron: { foreground: /(^|\s)-\w*f/, remedy: 'add -f' },
  crond: { foreground: /(^|\s)-\w*[fn]/, remedy: 'add -f (busybox), or -n (cronie)' },
  atd: { foreground: /(^|\s)-\w*f/, remedy: 'add -f' },
  rsyslogd: { foreground: /(^|\s)-\w*n/, remedy: 'add -n' },
  'syslog-ng': { foreground: /(^|\s)(-\w*F|--foreground)/, remedy: 'add -F' },
  dnsmasq: { foreground: /(^|\s)(-\w*[kd]|--keep-in-foreground|--no-daemon)/, remedy: 'add --keep-in-foreground' },
  named: { foreground: /(^|\s)-\w*[fg]/, remedy: 'add -f' },
  unbound: { foreground: /(^|\s)-\w*d/, remedy: 'add -d' },
  supervisord: { foreground: /(^|\s)(-\w*n|--nodaemon)/, remedy: 'add -n' },
  smbd: { foreground: /(^|\s)(-\w*[FiS]|--foreground|--interactive)/, remedy: 'add --foreground' },
  nmbd: { foreground: /(^|\s)(-\w*[FiS]|--foreground|--interactive)/, remedy: 'add --foreground' },
  proftpd: { foreground: /(^|\s)(-\w*n|--nodaemon)/, remedy: 'add --nodaemon' },
  keepalived: { foreground: /(^|\s)(-\w*n|--dont-fork)/, remedy: 'add --dont-fork' },
  squid: { foreground: /(^|\s)(-\w*N|--foreground)/, remedy: 'add --foreground' },
  varnishd: { foreground: /(^|\s)-\w*F/, remedy: 'add -F' },
  ntpd: { foreground: /(^|\s)(-\w*[nd]|--nofork)/, remedy: 'add -n' },
  chronyd: { foreground: /(^|\s)-\w*[dnx]/, remedy: 'add -d' },
  postfix: { foreground: /start-fg/, remedy: 'use start-fg instead of start' },
  'redis-server': { background: /--daemonize\s+yes/, remedy: 'remove --daemonize yes' },
  memcached: { background: /(^|\s)-\w*d(\s|$)/, remedy: 'remove -d' },
  haproxy: { background: /(^|\s)-\w*D/, remedy: 'remove -D' },
  exim4: { background: /(^|\s)-bd(\s|$)/, remedy: 'use -bdf instead of -bd' },
  exim: { background: /(^|\s)-bd(\s|$)/, remedy: 'use -bdf instead of -bd' },
  openvpn: { background: /--daemon/, remedy: 'remove --daemon' },
  gunicorn: { background: /(^|\s)(-D|--daemon)(\s|$)/, remedy: 'remove --daemon' },
  celery: { background: /\bmulti\b|--detach/, remedy: 'use celery worker without --detach' },
  mongod: { background: /--fork/, remedy: 'remove --fork' },
  pm2: { foreground: /--no-daemon/, remedy: 'use pm2-runtime, or add --no-daemon' },
  service: { background: /\b(re)?start\b/, remedy: 'run the program itself, in the foreground' },
  systemctl: { background: /\b(re)?start\b/, remedy: 'run the program itself, in the foreground' },
  daemonize: { foreground: /$^/, remedy: 'run the program itself, in the foreground' },
  nohup: { background: /&/, remedy: 'run the program itself, in the foreground' },
};

const PHP_FPM: Daemon = { foreground: /(^|\s)(-\w*F|--nodaemonize)/, remedy: 'add --nodaemonize' };

/**
 * Why a command leaves the foreground, and the words that keep it there; undefined for unknown
 * commands.
 */
export function leavesForeground(
  words: readonly string[],
): { readonly program: string; readonly remedy: string } | undefined {
  const program = basename(words[0] ?? '');
  const rest = words.slice(1).join(' ');
  if (words[0]?.startsWith('/etc/init.d/'))
    return { program: words[0], remedy: 'run the program itself, in the foreground' };
  const daemon = Object.hasOwn(DAEMONS, program)
    ? DAEMONS[program]
    : /^php-fpm[\d.]*$/.test(program)
      ? PHP_FPM
      : undefined;
  if (daemon === undefined) return undefined;
  const leaves = daemon.foreground ? !daemon.foreground.test(rest) : daemon.background?.test(rest);
  // A version, a help text or a test of the configuration ends by itself.
  return leaves && !/(^|\s)(-[tTvVh]|--(help|version|test))(\s|$)/.test(rest)
    ? { program, remedy: daemon.remedy }
    : undefined;
}
