#include "my_init.h"

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "check") == 0) controller_check(argc, argv);
  system_set_up();
  int signals = signals_open();
  processes_open();
  hold_environment();
  controller_find(argc, argv);
  controller_start();
  for (bool more = false;;) {
    link_send(); /* also before the first poll: nothing else may ever wake it */
    struct pollfd polled[3] = {{.fd = signals, .events = POLLIN}};
    link_poll(polled + 1);
    poll(polled, 3, more ? 0 : timers_next());
    if (polled[0].revents != 0) signals_read(signals);
    if (polled[1].revents != 0) link_receive_lines();
    if (polled[2].revents != 0) link_receive_descriptors();
    more = reap();
    timers_run();
    finish_step();
  }
}
