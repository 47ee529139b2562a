/*
 * Ranges of nullified views against a plain array of flags, and stretches longer than any memory
 * (docs/consensus.md, Memory).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "consensus/views.h"

#define SPAN 200

static struct validator_set *small_set(void)
{
    static struct validator_set set;
    memset(&set, 0, sizeof set);
    set.epoch = 1;
    set.count = 1;
    set.members[0].key.bytes[0] = 1;
    validators_seal(&set);
    return &set;
}

static struct consensus *open_machine(void)
{
    const struct consensus_config config = {
        .epoch = 1, .validators = small_set(), .own_index = CONSENSUS_OBSERVER};
    void *memory = aligned_alloc(16, consensus_footprint(1));
    assert_non_null(memory);
    struct consensus *c = consensus_init(memory, &config);
    c->view = 1;
    c->tail = 1;
    return c;
}

static void test_ranges_against_flags(void **state)
{
    /* Marked in any order, every question has the answer of the plain array. */
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct prng prng = prng_seeded(seed);
        struct consensus *c = open_machine();
        bool flags[SPAN + 2] = {false};
        for (uint32_t i = 0; i < SPAN; i++) {
            const uint64_t view = 1 + prng_below(&prng, SPAN);
            views_mark_nullified(c, view);
            flags[view] = true;
            const uint64_t asked = 1 + prng_below(&prng, SPAN);
            assert_int_equal(views_is_nullified(c, asked), flags[asked]);
            uint64_t since = asked + 1;
            while (since > 1 && flags[since - 1] && flags[asked]) {
                since--;
            }
            assert_int_equal(views_nullified_since(c, asked), since);
            if (!flags[asked]) {
                uint64_t open = asked;
                while (open > 1 && !flags[open - 1]) {
                    open--;
                }
                assert_int_equal(views_open_since(c, asked), open);
            }
        }
        c->final_view = 1 + prng_below(&prng, SPAN);
        c->view = c->final_view + 1;
        views_prune(c);
        for (uint64_t view = 1; view <= SPAN; view++) {
            assert_int_equal(views_is_nullified(c, view), view > c->final_view && flags[view]);
        }
        free(c);
    }
}

static void test_a_long_stretch_is_one_range(void **state)
{
    /* 100,000 nullified views, and the notarized view below them, cost no more than a few. */
    (void)state;
    struct consensus *c = open_machine();
    struct view_slot *slot = views_claim(c, 1);
    slot->certificates.by_kind[VOTE_NOTARIZE - 1].held = true;
    for (uint64_t view = 2; view <= 100000; view++) {
        c->view = view;
        views_slide(c);
        views_mark_nullified(c, view);
    }
    assert_int_equal(c->range_count, 1);
    assert_int_equal(views_nullified_since(c, 100000), 2);
    const struct view_certificates *anchor = views_certificates(c, 1);
    assert_non_null(anchor);
    assert_true(anchor->by_kind[VOTE_NOTARIZE - 1].held);
    free(c);
}

static void test_too_many_ranges_lose_the_lowest(void **state)
{
    /* Bounded: the lowest range goes first, and nothing is believed nullified that is not. */
    (void)state;
    struct consensus *c = open_machine();
    for (uint64_t i = 1; i <= 2 * VIEW_RANGES_MAX; i++) {
        views_mark_nullified(c, 2 * i);
    }
    assert_int_equal(c->range_count, VIEW_RANGES_MAX);
    assert_false(views_is_nullified(c, 2));
    assert_true(views_is_nullified(c, 4 * VIEW_RANGES_MAX));
    assert_false(views_is_nullified(c, 4 * VIEW_RANGES_MAX - 1));
    views_mark_nullified(c, 2);
    assert_int_equal(c->range_count, VIEW_RANGES_MAX);
    free(c);
}

static void test_the_ring_reaches_exactly_its_bounds(void **state)
{
    (void)state;
    struct consensus *c = open_machine();
    c->view = 1000;
    views_slide(c);
    assert_int_equal(c->tail, 1000 - VIEWS_BEHIND);
    assert_null(views_claim(c, c->tail - 1));
    assert_non_null(views_claim(c, c->tail));
    assert_non_null(views_claim(c, 1000 + LIMIT_VIEWS_AHEAD));
    assert_null(views_claim(c, 1000 + LIMIT_VIEWS_AHEAD + 1));
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges_against_flags),
        cmocka_unit_test(test_a_long_stretch_is_one_range),
        cmocka_unit_test(test_too_many_ranges_lose_the_lowest),
        cmocka_unit_test(test_the_ring_reaches_exactly_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
