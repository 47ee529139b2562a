/* inbox: a bounded queue of two urgencies into the core thread (see inbox.h). */
#include "node/inbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "node/memory.h"

/* Shares are counted by link id modulo this: ids are handed out in sequence, so links that live
   at the same time practically never share a count. */
#define SHARES 4096
#define SHARE_URGENT_BYTES (4u << 20)
#define SHARE_BULK_BYTES (24u << 20)
#define TOTAL_BYTES (512u << 20)
#define PAUSED_MAX 1024
/* What an item costs besides its bytes, so that small frames do not come for nothing. */
#define ITEM_BYTES 256

struct node {
    struct node *next;
    struct inbox_item item;
};

/* The items of one link (or of few that share a lane), in order. */
struct lane {
    struct node *first;
    struct node *last;
    uint64_t bytes;
    uint32_t next; /* lane + 1 whose turn comes after this one's, 0: the last */
};

/* Lanes that hold something take turns, an item each: a link that floods delays the others' items
   by no more than one of its own. */
struct queue {
    struct lane lanes[SHARES];
    uint32_t first; /* lane + 1 */
    uint32_t last;
};

struct inbox {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct queue urgent;
    struct queue bulk;
    uint64_t bytes;
    uint64_t paused[PAUSED_MAX];
    size_t paused_count;
};

/* ---- Lanes ---- */

static void append_lane(struct queue *queue, uint32_t lane)
{
    queue->lanes[lane].next = 0;
    if (queue->last != 0) {
        queue->lanes[queue->last - 1].next = lane + 1;
    } else {
        queue->first = lane + 1;
    }
    queue->last = lane + 1;
}

static void push(struct queue *queue, uint32_t place, struct node *node)
{
    struct lane *lane = &queue->lanes[place];
    if (lane->last != NULL) {
        lane->last->next = node;
    } else {
        lane->first = node;
        append_lane(queue, place);
    }
    lane->last = node;
}

/* NULL if the queue is empty. */
static struct node *pop(struct queue *queue)
{
    if (queue->first == 0) {
        return NULL;
    }
    uint32_t place = queue->first - 1;
    struct lane *lane = &queue->lanes[place];
    struct node *node = lane->first;
    queue->first = lane->next;
    if (queue->first == 0) {
        queue->last = 0;
    }
    lane->first = node->next;
    if (lane->first == NULL) {
        lane->last = NULL;
    } else {
        append_lane(queue, place);
    }
    return node;
}

struct inbox *inbox_new(void)
{
    struct inbox *inbox = calloc(1, sizeof *inbox);
    memory_check(inbox != NULL);
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
    struct node *node;
    while ((node = pop(queue)) != NULL) {
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

static uint32_t lane_of(uint64_t link)
{
    return (uint32_t)(link % SHARES);
}

static struct queue *queue_of(struct inbox *inbox, const struct inbox_item *item)
{
    return is_urgent(item) ? &inbox->urgent : &inbox->bulk;
}

static uint64_t cost_of(const struct inbox_item *item)
{
    return item->kind == INBOX_FRAME ? item->length + ITEM_BYTES : 0;
}

/* A link's first frame is always taken, so that a share smaller than a frame cannot block it. */
static bool over_share(struct inbox *inbox, const struct inbox_item *item)
{
    uint64_t most = is_urgent(item) ? SHARE_URGENT_BYTES : SHARE_BULK_BYTES;
    uint64_t share = queue_of(inbox, item)->lanes[lane_of(item->link)].bytes;
    uint64_t cost = cost_of(item);
    return share > 0 && (share + cost > most || inbox->bytes + cost > TOTAL_BYTES);
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
    memory_check(node != NULL);
    *node = (struct node){.next = NULL, .item = *item};
    lock(inbox);
    struct queue *queue = queue_of(inbox, item);
    if (item->kind == INBOX_FRAME && over_share(inbox, item) && inbox->paused_count < PAUSED_MAX) {
        pause_link(inbox, item->link);
        unlock(inbox);
        free(node);
        return false;
    }
    queue->lanes[lane_of(item->link)].bytes += cost_of(item);
    inbox->bytes += cost_of(item);
    push(queue, lane_of(item->link), node);
    CHECK(pthread_cond_signal(&inbox->wake) == 0);
    unlock(inbox);
    return true;
}

void inbox_wait(struct inbox *inbox, uint64_t until_ms)
{
    lock(inbox);
    while (inbox->urgent.first == 0 && inbox->bulk.first == 0) {
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
    struct queue *queue = inbox->urgent.first != 0 ? &inbox->urgent : &inbox->bulk;
    struct node *node = pop(queue);
    if (node != NULL) {
        queue->lanes[lane_of(node->item.link)].bytes -= cost_of(&node->item);
        inbox->bytes -= cost_of(&node->item);
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
    bool has = inbox->urgent.first != 0;
    unlock(inbox);
    return has;
}

size_t inbox_resumable(struct inbox *inbox, uint64_t *ret_links, size_t capacity)
{
    size_t count = 0;
    lock(inbox);
    for (size_t i = 0; i < inbox->paused_count && count < capacity;) {
        uint64_t link = inbox->paused[i];
        if (inbox->bulk.lanes[lane_of(link)].bytes <= SHARE_BULK_BYTES / 2 &&
            inbox->urgent.lanes[lane_of(link)].bytes <= SHARE_URGENT_BYTES / 2 &&
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
