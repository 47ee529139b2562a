/* space: levels of a disk that fills (see space.h). */
#include "node/space.h"

#include <stddef.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

enum space_level space_level(uint64_t free_bytes, uint64_t total_bytes)
{
    static const struct {
        enum space_level level;
        uint64_t share; /* one of so many parts */
        uint64_t bytes;
    } bounds[] = {
        {SPACE_OUT, 20, 256 * MIB}, {SPACE_REFUSING, 10, 2 * GIB}, {SPACE_LOW, 5, 20 * GIB}};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        if (free_bytes < total_bytes / bounds[i].share && free_bytes < bounds[i].bytes) {
            return bounds[i].level;
        }
    }
    return SPACE_AMPLE;
}
