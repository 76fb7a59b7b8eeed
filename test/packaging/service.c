/* A service for a root file system without a shell. */
#include <stdio.h>
#include <unistd.h>

int main(void) {
  puts("hello");
  fflush(stdout);
  for (;;) pause();
}
