#pragma once
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#define MAX_GROUPS 65536 /* NGROUPS_MAX of Linux */

struct user {
  uid_t uid;
  gid_t gid;
  bool known; /* to /etc/passwd */
  char name[LOGIN_NAME_MAX], home[PATH_MAX], shell[PATH_MAX];
};

struct groups {
  size_t count;
  gid_t ids[MAX_GROUPS];
};

/*
 * Reads /etc/passwd and /etc/group itself: a static program has no other way to look a user up.
 * false with errno: there is none.
 */
bool find_user(const char *text, struct user *found);
bool find_group(const char *text, gid_t *id);
/* The user's own group and those that /etc/group lists it in. */
void find_groups(const struct user *user, struct groups *groups);
/*
 * Whether this process has these ids already: becoming that user would need rights that it may not
 * have.
 */
bool is_user(const struct user *user);
bool become_user(const struct user *user, const struct groups *groups);
