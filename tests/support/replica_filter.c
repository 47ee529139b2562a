/* replica_filter: see replica_filter.h. */
#include "tests/support/replica_filter.h"

#include "tests/support/replica_net_state.h"

/* A frame that was looked at is marked in a field that only clients' frames use. */
#define LOOKED_AT UINT64_MAX

static bool is_lost(struct message *message, replica_filter filter, void *context)
{
    static _Alignas(64) uint8_t memory[PEER_ARENA_BYTES];
    struct arena arena = arena_over(memory, sizeof memory);
    struct peer_message decoded;
    CHECK(peer_decode(message->bytes, message->length, &arena, LIMIT_VALIDATORS, &decoded, NULL) ==
          STATUS_OK);
    return filter(context, message->from, message->to, &decoded);
}

static void look(struct replica_net *net, replica_filter filter, void *context)
{
    for (size_t i = 0; i < net->queue_count; i++) {
        struct message *message = &net->queue[i];
        if (message->kind != TO_PEER || message->session == LOOKED_AT) {
            continue;
        }
        message->session = LOOKED_AT;
        if (is_lost(message, filter, context)) {
            message->to_life = UINT32_MAX; /* nobody lives so often: it is dropped on arrival */
        }
    }
}

void replica_filter_run(struct replica_net *net, uint64_t end_ms, replica_filter filter,
                        void *context)
{
    look(net, filter, context);
    while (replica_net_now(net) < end_ms) {
        replica_net_run(net, replica_net_now(net) + 1);
        look(net, filter, context);
    }
}
