/* check: the one place where a broken assertion ends the process (see check.h). */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    (void)fprintf(stderr, "CHECK failed: %s (%s:%d)\n", condition, file, line);
    abort();
}
