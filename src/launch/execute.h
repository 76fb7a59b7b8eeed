#pragma once
#include <stdbool.h>

#define CANNOT_EXECUTE 126
#define NOT_FOUND 127

/* Why there is no program: errno, and the exit code that shells have for it. */
struct refusal {
  int error, code;
};

/* Becomes the program, looked up in PATH where asked and it has no slash; returns only when it cannot. */
struct refusal execute(char **program, bool search);
