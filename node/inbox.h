/*
 * inbox: the one way into the core thread. Callbacks of links, verify workers and the signal thread
 * only enqueue here; the core thread takes, votes first. Bounded per link and in all, so that no
 * peer can fill it for the others: a link that is over its share stops being read until it is
 * drained; and the links take turns, so that a flood of one delays the others by one item each
 * (docs/transport.md, Back-pressure).
 */
#ifndef HEFU_NODE_INBOX_H
#define HEFU_NODE_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/link.h"
#include "node/verify.h"

enum inbox_kind { INBOX_UP, INBOX_DOWN, INBOX_FRAME, INBOX_VERIFIED, INBOX_STOP };

struct inbox_item {
    enum inbox_kind kind;
    uint64_t link;
    struct link_identity identity;
    enum link_reason reason; /* DOWN */
    enum link_class class;   /* FRAME */
    uint8_t *frame;          /* FRAME: malloc'ed, the taker frees */
    size_t length;
    struct verify_result result; /* VERIFIED: the taker owns its memory */
};

struct inbox;

struct inbox *inbox_new(void);
void inbox_free(struct inbox *inbox);

/* From any thread. Takes over the item's memory; false (nothing taken) only for a FRAME of a link
   that is over its share, which is then remembered as paused. */
bool inbox_put(struct inbox *inbox, const struct inbox_item *item);

/* Waits until something is there or the monotonic time until_ms has come. */
void inbox_wait(struct inbox *inbox, uint64_t until_ms);
/* The next item: what comes over vote and proposal classes, ups, downs and results before bulk.
   Items of one link and class keep their order; links take turns. */
bool inbox_take(struct inbox *inbox, struct inbox_item *ret_item);
/* Whether more urgent items wait. */
bool inbox_has_urgent(struct inbox *inbox);
/* Paused links that may go on, up to capacity; they are then no longer paused. */
size_t inbox_resumable(struct inbox *inbox, uint64_t *ret_links, size_t capacity);

#endif
