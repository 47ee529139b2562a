/*
 * Peers that come and go while the links are open (links_set_peer, node/link.h): a new member gets
 * a link, one that is removed loses it, a slot that changes hands serves the new one; and who knows
 * the only address dials, whichever key is the smaller.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <string.h>

#include "tests/support/link_probe.h"

enum { SMALL, LARGE, OTHER };

/* Three probes, the first key smaller than the second; each may link with all, nobody dials. */
static void open_three(struct probe probes[3], bool patient)
{
    struct noise_key_pair keys[3];
    for (uint32_t i = 0; i < 3; i++) {
        noise_key_pair_generate(&keys[i]);
    }
    if (memcmp(keys[SMALL].public_key.bytes, keys[LARGE].public_key.bytes, NOISE_KEY_BYTES) > 0) {
        const struct noise_key_pair swap = keys[SMALL];
        keys[SMALL] = keys[LARGE];
        keys[LARGE] = swap;
    }
    for (uint32_t i = 0; i < 3; i++) {
        probe_init(&probes[i], &keys[i]);
        probes[i].config.patient = patient;
        probes[i].config.limits.patience_ms = 100;
        probes[i].config.validator_count = 3;
        for (uint32_t k = 0; k < 3; k++) {
            probes[i].validators[k] = (struct link_validator){.key = keys[k].public_key};
        }
        probe_open(&probes[i]);
    }
}

static void close_three(struct probe probes[3])
{
    for (uint32_t i = 0; i < 3; i++) {
        probe_close(&probes[i]);
    }
}

/* Gives a probe the address of another, in that one's slot. */
static void tell(struct probe *probe, const struct probe *of, uint32_t slot)
{
    const struct link_validator peer = {.key = of->key.public_key, .url = of->url};
    links_set_peer(probe->links, slot, &peer);
}

static void test_added_and_removed(void **state)
{
    (void)state;
    static struct probe probes[3];
    open_three(probes, true);
    tell(&probes[SMALL], &probes[LARGE], LARGE);
    probe_wait_links(&probes[SMALL], 1);
    probe_wait_links(&probes[LARGE], 1);
    assert_int_equal(
        probe_send(&probes[SMALL], probe_link_to(&probes[SMALL], LARGE), LINK_VOTE, 50, 7),
        STATUS_OK);
    probe_wait_frames(&probes[LARGE], 1);
    /* The same again changes nothing. */
    tell(&probes[SMALL], &probes[LARGE], LARGE);
    tell(&probes[SMALL], &probes[OTHER], OTHER);
    probe_wait_links(&probes[OTHER], 1);
    assert_int_equal(probes[SMALL].down_count, 0);
    links_set_peer(probes[SMALL].links, LARGE, NULL);
    probe_wait_downs(&probes[SMALL], 1);
    probe_wait_downs(&probes[LARGE], 1);
    assert_int_equal(probes[SMALL].entries[0].reason, LINK_ENDED_LOCAL);
    close_three(probes);
}

/* The end that waits to be dialled loses its patience: the other one may not know its address. */
static void test_larger_key_dials_after_a_while(void **state)
{
    (void)state;
    static struct probe probes[3];
    open_three(probes, true);
    tell(&probes[LARGE], &probes[SMALL], SMALL);
    probe_wait_links(&probes[LARGE], 1);
    probe_wait_links(&probes[SMALL], 1);
    /* Both have a link now, so neither dials again. */
    tell(&probes[SMALL], &probes[LARGE], LARGE);
    for (uint32_t i = 0; i < 50; i++) {
        probe_tick(&probes[SMALL]);
    }
    struct link_counters counters;
    links_counters(probes[SMALL].links, &counters);
    assert_true(counters.established <= 2);
    close_three(probes);
}

/* A slot that gets another key: the old one's link ends, the new one's comes up. */
static void test_slot_changes_hands(void **state)
{
    (void)state;
    static struct probe probes[3];
    open_three(probes, false);
    tell(&probes[SMALL], &probes[LARGE], 5);
    probe_wait_links(&probes[SMALL], 1);
    assert_int_equal(probes[SMALL].entries[0].identity.validator, 5);
    tell(&probes[SMALL], &probes[OTHER], 5);
    probe_wait_downs(&probes[SMALL], 1);
    probe_wait_links(&probes[SMALL], 2);
    assert_memory_equal(probes[SMALL].entries[1].identity.key.bytes,
                        probes[OTHER].key.public_key.bytes, NOISE_KEY_BYTES);
    probe_wait_links(&probes[OTHER], 1);
    close_three(probes);
}

/* Added and removed many times over, with dials under way all along: nothing is left over. */
static void test_many_changes(void **state)
{
    (void)state;
    static struct probe probes[3];
    open_three(probes, false);
    for (uint32_t i = 0; i < 200; i++) {
        tell(&probes[SMALL], &probes[i % 2 == 0 ? LARGE : OTHER], i % 7);
        if (i % 3 == 0) {
            links_set_peer(probes[SMALL].links, i % 5, NULL);
        }
        probe_tick(&probes[SMALL]);
    }
    close_three(probes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_added_and_removed),
        cmocka_unit_test(test_larger_key_dials_after_a_while),
        cmocka_unit_test(test_slot_changes_hands),
        cmocka_unit_test(test_many_changes),
    };
    assert_true(sodium_init() >= 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
