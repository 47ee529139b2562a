/* link_queue: shared buffers and the bounded queues of one link (see link_queue.h, link.h). */
#include "node/link_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

_Static_assert((LINK_QUEUE_FRAMES_MAX & (LINK_QUEUE_FRAMES_MAX - 1)) == 0, "indices are masked");

struct link_buffer *link_buffer_new(size_t length)
{
    struct link_buffer *buffer = malloc(sizeof *buffer + length);
    if (buffer == NULL) {
        return NULL;
    }
    atomic_init(&buffer->references, 1);
    buffer->length = length;
    return buffer;
}

struct link_buffer *link_buffer_ref(struct link_buffer *buffer)
{
    unsigned before = atomic_fetch_add_explicit(&buffer->references, 1, memory_order_relaxed);
    CHECK(before > 0);
    return buffer;
}

void link_buffer_unref(struct link_buffer *buffer)
{
    if (buffer == NULL) {
        return;
    }
    unsigned before = atomic_fetch_sub_explicit(&buffer->references, 1, memory_order_acq_rel);
    CHECK(before > 0);
    if (before == 1) {
        free(buffer);
    }
}

enum status link_queues_init(struct link_queues *ret_queues)
{
    memset(ret_queues, 0, sizeof *ret_queues);
    /* Pages of the rings are touched only as far as a queue has ever grown. */
    ret_queues->memory =
        malloc(sizeof(struct link_buffer *) * LINK_CLASS_COUNT * LINK_QUEUE_FRAMES_MAX);
    if (ret_queues->memory == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < LINK_CLASS_COUNT; i++) {
        ret_queues->classes[i].ring = ret_queues->memory + i * LINK_QUEUE_FRAMES_MAX;
    }
    return STATUS_OK;
}

enum status link_queue_push(struct link_queue *queue, struct link_buffer *buffer,
                            uint64_t bytes_max)
{
    bool too_many = queue->count == LINK_QUEUE_FRAMES_MAX;
    bool too_large = queue->count > 0 && queue->bytes + buffer->length > bytes_max;
    if (too_many || too_large) {
        queue->refused = true;
        return STATUS_BUSY;
    }
    uint32_t at = (queue->head + queue->count) & (LINK_QUEUE_FRAMES_MAX - 1);
    queue->ring[at] = link_buffer_ref(buffer);
    queue->count++;
    queue->bytes += buffer->length;
    return STATUS_OK;
}

struct link_buffer *link_queue_first(const struct link_queue *queue)
{
    return queue->count > 0 ? queue->ring[queue->head] : NULL;
}

void link_queue_pop(struct link_queue *queue)
{
    CHECK(queue->count > 0);
    struct link_buffer *buffer = queue->ring[queue->head];
    CHECK(queue->bytes >= buffer->length);
    queue->bytes -= buffer->length;
    queue->head = (queue->head + 1) & (LINK_QUEUE_FRAMES_MAX - 1);
    queue->count--;
    queue->head_sent = 0;
    link_buffer_unref(buffer);
}

void link_queues_clear(struct link_queues *queues)
{
    for (size_t i = 0; i < LINK_CLASS_COUNT; i++) {
        while (queues->classes[i].count > 0) {
            link_queue_pop(&queues->classes[i]);
        }
    }
}

void link_queues_free(struct link_queues *queues)
{
    link_queues_clear(queues);
    free(queues->memory);
    memset(queues, 0, sizeof *queues);
}
