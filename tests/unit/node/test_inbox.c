/* The inbox: urgency, shares of links, resuming, waiting, and many producers at once. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "node/inbox.h"

static bool put_frame(struct inbox *inbox, uint64_t link, enum link_class class, size_t length)
{
    struct inbox_item item = {
        .kind = INBOX_FRAME, .link = link, .class = class, .frame = malloc(1), .length = length};
    bool taken = inbox_put(inbox, &item);
    if (!taken) {
        free(item.frame);
    }
    return taken;
}

/* Goal: votes and proposals overtake bulk; order inside a class stays. */
static void test_urgency(void **state)
{
    (void)state;
    struct inbox *inbox = inbox_new();
    assert_true(put_frame(inbox, 1, LINK_BATCH, 10));
    assert_true(put_frame(inbox, 1, LINK_VOTE, 11));
    assert_true(put_frame(inbox, 1, LINK_PROPOSAL, 12));
    assert_true(inbox_has_urgent(inbox));
    const size_t order[] = {11, 12, 10};
    struct inbox_item item;
    for (int i = 0; i < 3; i++) {
        assert_true(inbox_take(inbox, &item));
        assert_int_equal(item.length, order[i]);
        free(item.frame);
    }
    assert_false(inbox_take(inbox, &item));
    inbox_free(inbox);
}

/* Goal: a link over its share is refused, others are not; drained, it is named once to be resumed.
 */
static void test_back_pressure(void **state)
{
    (void)state;
    struct inbox *inbox = inbox_new();
    uint64_t links[4];
    struct inbox_item item;
    assert_true(put_frame(inbox, 1, LINK_BATCH, 20u << 20));
    assert_false(put_frame(inbox, 1, LINK_BATCH, 5u << 20));
    assert_false(put_frame(inbox, 1, LINK_BATCH, 5u << 20));
    assert_true(put_frame(inbox, 1, LINK_VOTE, 100));
    assert_true(put_frame(inbox, 2, LINK_BATCH, 5u << 20));
    assert_int_equal(inbox_resumable(inbox, links, 4), 0);
    while (inbox_take(inbox, &item)) {
        free(item.frame);
    }
    assert_int_equal(inbox_resumable(inbox, links, 4), 1);
    assert_int_equal(links[0], 1);
    assert_int_equal(inbox_resumable(inbox, links, 4), 0);
    inbox_free(inbox);
}

/* Goal: behind a flood of one link the others wait for one item of it each; small frames fill a
   share too. */
static void test_turns(void **state)
{
    (void)state;
    struct inbox *inbox = inbox_new();
    struct inbox_item item;
    uint32_t flood = 0;
    while (put_frame(inbox, 1, LINK_VOTE, 1)) {
        flood++;
    }
    assert_in_range(flood, 100, 20000);
    for (uint64_t i = 0; i < 3; i++) {
        assert_true(put_frame(inbox, 2, LINK_VOTE, 20 + i));
        assert_true(put_frame(inbox, 3, LINK_PROPOSAL, 30 + i));
    }
    size_t next[2] = {20, 30};
    for (uint32_t i = 0; i < 9; i++) {
        assert_true(inbox_take(inbox, &item));
        assert_int_equal(item.link, i % 3 + 1);
        if (item.link > 1) {
            assert_int_equal(item.length, next[item.link - 2]++);
        }
        free(item.frame);
    }
    inbox_free(inbox);
}

static void *produce(void *argument)
{
    for (int i = 0; i < 2000; i++) {
        struct inbox_item item = {.kind = INBOX_UP, .link = (uint64_t)i};
        (void)inbox_put(argument, &item);
    }
    return NULL;
}

/* Goal: nothing is lost between threads, and a waiting taker wakes. */
static void test_threads(void **state)
{
    (void)state;
    struct inbox *inbox = inbox_new();
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, produce, inbox), 0);
    }
    int taken = 0;
    struct inbox_item item;
    while (taken < 8000) {
        inbox_wait(inbox, UINT64_MAX);
        while (inbox_take(inbox, &item)) {
            taken++;
        }
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(taken, 8000);
    /* A time in the past returns at once. */
    inbox_wait(inbox, 0);
    inbox_free(inbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urgency),
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
