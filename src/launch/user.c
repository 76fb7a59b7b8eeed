#include "user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_id(const char *text, unsigned *id) {
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  *id = (unsigned)value;
  return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && value < UINT_MAX; /* -1 means "no change" to setuid */
}

static bool copy(char *to, size_t size, const char *from) {
  if ((size_t)snprintf(to, size, "%s", from) < size) return true;
  errno = ENAMETOOLONG;
  return false;
}

static bool take_entry(struct user *user, const struct passwd *entry) {
  user->uid = entry->pw_uid;
  user->gid = entry->pw_gid;
  user->known = true;
  return copy(user->name, sizeof user->name, entry->pw_name) &&
         copy(user->home, sizeof user->home, *entry->pw_dir != '\0' ? entry->pw_dir : "/") &&
         copy(user->shell, sizeof user->shell, *entry->pw_shell != '\0' ? entry->pw_shell : "/bin/sh");
}

/* A name goes before a number: somebody may be called 1000. A number needs no entry. */
bool find_user(const char *text, struct user *found) {
  unsigned id;
  bool numeric = is_id(text, &id), fits = true;
  *found = (struct user){.uid = numeric ? id : 0, .home = "/", .shell = "/bin/sh"};
  FILE *file = fopen("/etc/passwd", "re");
  for (struct passwd *entry; file != NULL && fits && (entry = fgetpwent(file)) != NULL;) {
    bool same_name = strcmp(entry->pw_name, text) == 0;
    if (same_name || (numeric && !found->known && entry->pw_uid == id)) fits = take_entry(found, entry);
    if (same_name) break;
  }
  if (file != NULL) fclose(file);
  if (found->known || !fits) return fits;
  errno = ENOENT;
  return numeric && copy(found->name, sizeof found->name, text);
}

bool find_group(const char *text, gid_t *id) {
  bool known = is_id(text, id);
  FILE *file = fopen("/etc/group", "re");
  for (struct group *entry; file != NULL && (entry = fgetgrent(file)) != NULL;) {
    if (strcmp(entry->gr_name, text) != 0) continue;
    *id = entry->gr_gid;
    known = true;
    break;
  }
  if (file != NULL) fclose(file);
  errno = ENOENT;
  return known;
}

void find_groups(const struct user *user, struct groups *groups) {
  groups->ids[0] = user->gid;
  groups->count = 1;
  FILE *file = user->known ? fopen("/etc/group", "re") : NULL;
  for (struct group *entry; file != NULL && groups->count < MAX_GROUPS && (entry = fgetgrent(file)) != NULL;)
    for (char **member = entry->gr_mem; *member != NULL; member++)
      if (strcmp(*member, user->name) == 0 && entry->gr_gid != user->gid) {
        groups->ids[groups->count++] = entry->gr_gid;
        break;
      }
  if (file != NULL) fclose(file);
}

bool is_user(const struct user *user) {
  uid_t uids[3];
  gid_t gids[3];
  if (getresuid(uids, uids + 1, uids + 2) != 0 || getresgid(gids, gids + 1, gids + 2) != 0) return false;
  for (int i = 0; i < 3; i++)
    if (uids[i] != user->uid || gids[i] != user->gid) return false;
  return true;
}

bool become_user(const struct user *user, const struct groups *groups) {
  return setgroups(groups->count, groups->ids) == 0 && setgid(user->gid) == 0 && setuid(user->uid) == 0;
}
