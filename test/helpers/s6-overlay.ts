/**
 * `prepare` of a container that has the tools of the image for scripts of s6-overlay, then `more`.
 * A mount cannot add a directory to the root of this machine: the root of the container is an
 * overlay of it.
 */
export const withCommand = (more: string): string => `
  mkdir /run/root /run/upper /run/work
  mount -t overlay overlay -o lowerdir=/,upperdir=/run/upper,workdir=/run/work /run/root
  for directory in /proc /dev /tmp /etc "\${1%/*/*}"; do
    mkdir -p "/run/root$directory"
    mount --rbind "$directory" "/run/root$directory"
  done
  mount -t tmpfs tmpfs /run/root/run
  mkdir /run/root/command
  for name in s6-setuidgid with-contenv; do
    ln -s "\${1%/*}/setuser" "/run/root/command/$name"
    ln -sf "/command/$name" "/run/root/usr/bin/$name"
  done
  ${more}
  set -- chroot /run/root "$@"`;
