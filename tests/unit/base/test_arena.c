/* test_arena: the budget is hard, pieces are aligned and apart, and no size overflows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/arena.h"

#define CAPACITY 256

static _Alignas(16) uint8_t memory[CAPACITY];

/* Goal: pieces are 16-byte aligned, inside the memory, and do not overlap. */
static void pieces_are_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena = arena_over(memory, CAPACITY);
    uint8_t *end = memory;
    static const size_t sizes[] = {1, 15, 16, 17, 31, 32, 33};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *piece = arena_take(&arena, sizes[i]);
        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % 16, 0);
        assert_true(piece >= end);
        end = piece + sizes[i];
        assert_true(end <= memory + CAPACITY);
        memset(piece, 0xa5, sizes[i]);
    }
}

/* Goal: the whole budget can be used, and nothing past it; a refusal takes nothing. */
static void budget_is_hard(void **state)
{
    (void)state;
    struct arena arena = arena_over(memory, CAPACITY);
    assert_null(arena_take(&arena, CAPACITY + 1));
    assert_ptr_equal(arena_take(&arena, CAPACITY - 16), memory);
    assert_null(arena_take(&arena, 17));
    assert_ptr_equal(arena_take(&arena, 16), memory + CAPACITY - 16);
    assert_null(arena_take(&arena, 1));
    assert_int_equal(arena.used, CAPACITY);
}

/* Goal: sizes near the top of size_t are refused, not wrapped round to something small. */
static void huge_sizes_are_refused(void **state)
{
    (void)state;
    struct arena arena = arena_over(memory, CAPACITY);
    for (size_t below = 0; below < 64; below++) {
        assert_null(arena_take(&arena, SIZE_MAX - below));
    }
    assert_null(arena_take(&arena, SIZE_MAX / 2 + 1));
    assert_int_equal(arena.used, 0);
}

/* Goal: a capacity that is no multiple of the alignment is never exceeded by rounding. */
static void odd_capacity(void **state)
{
    (void)state;
    struct arena arena = arena_over(memory, 47);
    assert_ptr_equal(arena_take(&arena, 20), memory);
    /* 15 bytes are left, a piece of them would be rounded up to 16. */
    assert_null(arena_take(&arena, 15));
    assert_true(arena.used <= 47);
    struct arena none = arena_over(NULL, 0);
    assert_null(arena_take(&none, 1));
}

/* Goal: after a reset the same memory is given out again. */
static void reset_starts_over(void **state)
{
    (void)state;
    struct arena arena = arena_over(memory, CAPACITY);
    void *first = arena_take(&arena, 100);
    assert_non_null(arena_take(&arena, 100));
    arena_reset(&arena);
    assert_ptr_equal(arena_take(&arena, CAPACITY), first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(budget_is_hard),
        cmocka_unit_test(huge_sizes_are_refused),
        cmocka_unit_test(odd_capacity),
        cmocka_unit_test(reset_starts_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
