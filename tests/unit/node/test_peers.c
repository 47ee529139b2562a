/* Slots of peers (node/peers.h): they stay a node's own over every change of the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/prng.h"
#include "node/peers.h"

static struct peer_entry entry_of(enum peer_kind kind, uint32_t validator, uint8_t number)
{
    struct peer_entry entry = {.kind = kind, .validator = validator, .key = {{number, 1}}};
    (void)snprintf(entry.name, sizeof entry.name, "node-%u", number);
    return entry;
}

static const struct transport_key own = {{2, 1}};

/* Goal: in the first epoch a slot is the validator's index. */
static void test_first_epoch(void **state)
{
    (void)state;
    static struct peers peers;
    const struct peer_entry list[] = {
        entry_of(PEER_VALIDATOR, 0, 1), entry_of(PEER_VALIDATOR, 1, 2),
        entry_of(PEER_VALIDATOR, 2, 3), entry_of(PEER_OBSERVER, PEER_NONE, 9)};
    bool freed[LIMIT_PEERS];
    peers_init(&peers);
    assert_int_equal(peers.own, PEER_NONE);
    assert_true(peers_update(&peers, list, 4, &own, freed));
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(peers_of_validator(&peers, i), i);
    }
    assert_int_equal(peers.own, 1);
    assert_int_equal(peers_find(&peers, &list[3].key), 3);
    assert_false(peers_update(&peers, list, 4, &own, freed));
}

/* Goal: an index changes, a slot does not; who left is free, who came has a place. */
static void test_change(void **state)
{
    (void)state;
    static struct peers peers;
    bool freed[LIMIT_PEERS];
    const struct peer_entry before[] = {entry_of(PEER_VALIDATOR, 0, 1),
                                        entry_of(PEER_VALIDATOR, 1, 2),
                                        entry_of(PEER_VALIDATOR, 2, 3)};
    const struct peer_entry after[] = {
        entry_of(PEER_VALIDATOR, 0, 2), entry_of(PEER_VALIDATOR, 1, 3),
        entry_of(PEER_VALIDATOR, 2, 4), entry_of(PEER_FORMER, PEER_NONE, 1),
        entry_of(PEER_FORMER, PEER_NONE, 2)};
    peers_init(&peers);
    (void)peers_update(&peers, before, 3, &own, freed);
    assert_true(peers_update(&peers, after, 5, &own, freed));
    assert_int_equal(peers_of_validator(&peers, 0), 1);
    assert_int_equal(peers_of_validator(&peers, 1), 2);
    assert_int_equal(peers.slots[0].kind, PEER_FORMER);
    assert_int_equal(peers.slots[1].kind, PEER_VALIDATOR); /* the first of two entries counts */
    assert_int_equal(peers.validator_count, 3);
    assert_true(freed[peers_of_validator(&peers, 2)]);
    assert_false(freed[0] || freed[1] || freed[2]);
    assert_true(peers_update(&peers, after, 3, &own, freed));
    assert_true(freed[0]);
    assert_int_equal(peers.slots[0].kind, PEER_FREE);
}

/* Goal: over random changes a listed key keeps its slot, and each slot has one key. */
static void test_random(void **state)
{
    (void)state;
    static struct peers peers, last;
    struct prng prng = prng_seeded(77);
    peers_init(&peers);
    for (uint32_t round = 0; round < 2000; round++) {
        struct peer_entry list[64];
        uint32_t count = 0, validators = 0;
        for (uint32_t number = 1; number <= 60; number++) {
            if (prng_below(&prng, 3) > 0) {
                list[count++] = entry_of(PEER_VALIDATOR, validators++, (uint8_t)number);
            }
        }
        last = peers;
        (void)peers_update(&peers, list, count, &own, NULL);
        uint32_t used = 0;
        for (uint32_t slot = 0; slot < LIMIT_PEERS; slot++) {
            used += peers.slots[slot].kind != PEER_FREE;
        }
        assert_int_equal(used, count);
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t slot = peers_find(&peers, &list[i].key);
            const uint32_t earlier = peers_find(&last, &list[i].key);
            assert_true(slot != PEER_NONE && (earlier == PEER_NONE || earlier == slot));
            assert_int_equal(peers_of_validator(&peers, i), slot);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_epoch),
        cmocka_unit_test(test_change),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
