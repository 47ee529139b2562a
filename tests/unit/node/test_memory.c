/* Large memory: aligned, and what is given back waits for the next of its size up to a bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/memory.h"

#define LARGE (1u << 20)

static void test_aligned(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, 63, 64, 65, 4096, LARGE - 64, LARGE, LARGE + 1};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *memory = memory_take(sizes[i]);
        assert_int_equal((uintptr_t)memory % 64, 0);
        memset(memory, 0xa5, sizes[i]);
        memory_give(memory);
    }
    memory_give(NULL);
}

/* Goal: a process that starts one replica after another touches the same pages again, and what
   waits stays within its bound. */
static void test_kept(void **state)
{
    (void)state;
    void *before = memory_take(LARGE); /* never waits: it was taken too early */
    memory_keep(4 * LARGE);
    memory_give(before);
    void *first = memory_take(LARGE);
    void *small = memory_take(LARGE / 4);
    memory_give(first);
    memory_give(small);
    assert_ptr_equal(memory_take(LARGE / 4 + 1000), small);
    assert_ptr_equal(memory_take(LARGE + 1000), first);
    /* Each has two megabytes with its head: two wait, the third does not. */
    void *others[] = {memory_take(LARGE), memory_take(LARGE), memory_take(LARGE)};
    for (unsigned i = 0; i < 3; i++) {
        memory_give(others[i]);
    }
    void *second = memory_take(LARGE);
    void *third = memory_take(LARGE);
    assert_ptr_equal(second, others[1]);
    assert_ptr_equal(third, others[0]);
    memory_keep(0);
    memory_give(second);
    memory_give(third);
    memory_give(first);
    memory_give(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_aligned), cmocka_unit_test(test_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
