/*
 * link_queue: what waits to be sent on one link, a bounded queue of shared buffers for each class.
 * Not thread-safe: the link's mutex protects it.
 */
#ifndef HEFU_NODE_LINK_QUEUE_H
#define HEFU_NODE_LINK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/link.h"

/* Frames waiting in one class, whatever their size; a power of two. */
#define LINK_QUEUE_FRAMES_MAX 4096u

struct link_queue {
    struct link_buffer **ring;
    uint32_t head;
    uint32_t count;
    uint64_t bytes;   /* of whole frames; the first counts until it is sent completely */
    size_t head_sent; /* bytes of the first frame that are packed already */
    bool refused;     /* somebody was told BUSY and may wait for room */
};

struct link_queues {
    struct link_queue classes[LINK_CLASS_COUNT];
    struct link_buffer **memory;
};

/* NO_MEMORY leaves *ret_queues empty, which link_queues_free accepts. */
enum status link_queues_init(struct link_queues *ret_queues) MUST_USE;

/*
 * Takes a reference. BUSY if the frame would exceed bytes_max or LINK_QUEUE_FRAMES_MAX; an empty
 * queue takes any frame.
 */
enum status link_queue_push(struct link_queue *queue, struct link_buffer *buffer,
                            uint64_t bytes_max) MUST_USE;

/* The first frame, or NULL. Borrowed. */
struct link_buffer *link_queue_first(const struct link_queue *queue);

/* Drops the first frame and its reference. */
void link_queue_pop(struct link_queue *queue);

/* Drops all frames. What is packed already is on its way and stays so. */
void link_queues_clear(struct link_queues *queues);

void link_queues_free(struct link_queues *queues);

#endif
