/* inbox: a bounded queue of two urgencies into the core thread (see inbox.h). */
#include "node/inbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"

/* Shares are counted by link id modulo this: ids are handed out in sequence, so links that live
   at the same time practically never share a count. */
#define SHARES 4096
#define SHARE_URGENT_BYTES (4u << 20)
#define SHARE_BULK_BYTES (24u << 20)
#define TOTAL_BYTES (512u << 20)
#define PAUSED_MAX 1024

struct node {
    struct node *next;
    struct inbox_item item;
};

struct queue {
    struct node *first;
    struct node *last;
};

struct inbox {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct queue urgent;
    struct queue bulk;
    uint64_t bytes;
    uint64_t urgent_share[SHARES];
    uint64_t bulk_share[SHARES];
    uint64_t paused[PAUSED_MAX];
    size_t paused_count;
};

struct inbox *inbox_new(void)
{
    struct inbox *inbox = calloc(1, sizeof *inbox);
    CHECK(inbox != NULL);
    pthread_condattr_t attributes;
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_mutex_init(&inbox->lock, NULL) == 0);
    CHECK(pthread_cond_init(&inbox->wake, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
    return inbox;
}

static void free_queue(struct queue *queue)
{
    while (queue->first != NULL) {
        struct node *node = queue->first;
        queue->first = node->next;
        free(node->item.frame);
        free(node->item.result.bytes);
        free(node->item.result.record_hashes);
        free(node);
    }
}

void inbox_free(struct inbox *inbox)
{
    if (inbox == NULL) {
        return;
    }
    free_queue(&inbox->urgent);
    free_queue(&inbox->bulk);
    CHECK(pthread_cond_destroy(&inbox->wake) == 0);
    CHECK(pthread_mutex_destroy(&inbox->lock) == 0);
    free(inbox);
}

static void lock(struct inbox *inbox)
{
    CHECK(pthread_mutex_lock(&inbox->lock) == 0);
}

static void unlock(struct inbox *inbox)
{
    CHECK(pthread_mutex_unlock(&inbox->lock) == 0);
}

static bool is_urgent(const struct inbox_item *item)
{
    return item->kind != INBOX_FRAME || item->class == LINK_VOTE || item->class == LINK_PROPOSAL;
}

static uint64_t *share_of(struct inbox *inbox, const struct inbox_item *item)
{
    return is_urgent(item) ? &inbox->urgent_share[item->link % SHARES]
                           : &inbox->bulk_share[item->link % SHARES];
}

/* A link's first frame is always taken, so that a share smaller than a frame cannot block it. */
static bool over_share(struct inbox *inbox, const struct inbox_item *item)
{
    uint64_t most = is_urgent(item) ? SHARE_URGENT_BYTES : SHARE_BULK_BYTES;
    uint64_t share = *share_of(inbox, item);
    return share > 0 && (share + item->length > most || inbox->bytes + item->length > TOTAL_BYTES);
}

static void pause_link(struct inbox *inbox, uint64_t link)
{
    for (size_t i = 0; i < inbox->paused_count; i++) {
        if (inbox->paused[i] == link) {
            return;
        }
    }
    CHECK(inbox->paused_count < PAUSED_MAX);
    inbox->paused[inbox->paused_count++] = link;
}

bool inbox_put(struct inbox *inbox, const struct inbox_item *item)
{
    struct node *node = malloc(sizeof *node);
    CHECK(node != NULL);
    *node = (struct node){.next = NULL, .item = *item};
    lock(inbox);
    if (item->kind == INBOX_FRAME) {
        if (over_share(inbox, item) && inbox->paused_count < PAUSED_MAX) {
            pause_link(inbox, item->link);
            unlock(inbox);
            free(node);
            return false;
        }
        *share_of(inbox, item) += item->length;
        inbox->bytes += item->length;
    }
    struct queue *queue = is_urgent(item) ? &inbox->urgent : &inbox->bulk;
    if (queue->last != NULL) {
        queue->last->next = node;
    } else {
        queue->first = node;
    }
    queue->last = node;
    CHECK(pthread_cond_signal(&inbox->wake) == 0);
    unlock(inbox);
    return true;
}

void inbox_wait(struct inbox *inbox, uint64_t until_ms)
{
    lock(inbox);
    while (inbox->urgent.first == NULL && inbox->bulk.first == NULL) {
        struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
                                 .tv_nsec = (long)(until_ms % 1000) * 1000000};
        if (until_ms == UINT64_MAX) {
            CHECK(pthread_cond_wait(&inbox->wake, &inbox->lock) == 0);
            continue;
        }
        int result = pthread_cond_timedwait(&inbox->wake, &inbox->lock, &until);
        if (result == ETIMEDOUT) {
            break;
        }
        CHECK(result == 0);
    }
    unlock(inbox);
}

bool inbox_take(struct inbox *inbox, struct inbox_item *ret_item)
{
    lock(inbox);
    struct queue *queue = inbox->urgent.first != NULL ? &inbox->urgent : &inbox->bulk;
    struct node *node = queue->first;
    if (node != NULL) {
        queue->first = node->next;
        if (queue->first == NULL) {
            queue->last = NULL;
        }
        if (node->item.kind == INBOX_FRAME) {
            *share_of(inbox, &node->item) -= node->item.length;
            inbox->bytes -= node->item.length;
        }
    }
    unlock(inbox);
    if (node == NULL) {
        return false;
    }
    *ret_item = node->item;
    free(node);
    return true;
}

bool inbox_has_urgent(struct inbox *inbox)
{
    lock(inbox);
    bool has = inbox->urgent.first != NULL;
    unlock(inbox);
    return has;
}

size_t inbox_resumable(struct inbox *inbox, uint64_t *ret_links, size_t capacity)
{
    size_t count = 0;
    lock(inbox);
    for (size_t i = 0; i < inbox->paused_count && count < capacity;) {
        uint64_t link = inbox->paused[i];
        if (inbox->bulk_share[link % SHARES] <= SHARE_BULK_BYTES / 2 &&
            inbox->urgent_share[link % SHARES] <= SHARE_URGENT_BYTES / 2 &&
            inbox->bytes <= TOTAL_BYTES / 2) {
            ret_links[count++] = link;
            inbox->paused[i] = inbox->paused[--inbox->paused_count];
        } else {
            i++;
        }
    }
    unlock(inbox);
    return count;
}
