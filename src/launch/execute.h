#pragma once
#include <stdbool.h>

/*
 * Becomes the program, looked up in PATH where asked and it has no slash. Returns only when it
 * cannot: with errno, the exit code that shells have for it, 127 when there is no such program and
 * 126 when there is.
 */
int execute(char **program, bool search);
