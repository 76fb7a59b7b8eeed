/* Messages for people. A reader of standard error that has stalled must not stall init. */
#include "my_init.h"

#include <stdarg.h>

void say_text(const char *format, ...) {
  char text[512]; /* one write, so that no other line can split the message */
  struct pollfd standard_error = {.fd = 2, .events = POLLOUT};
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (poll(&standard_error, 1, 0) == 1 && write(2, text, strlen(text)) < 0) return;
}
