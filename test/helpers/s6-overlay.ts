/**
 * `prepare` of a container that has what the image has for scripts of s6-overlay, then `more`. No
 * mount adds a directory to the root of this machine: the container's is an overlay of it.
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
