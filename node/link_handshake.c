/*
 * link_handshake: drives the acts of node/noise.h over a link's stream. Nothing is sent after a
 * failure. A local stream has no acts: its other end is known by its user.
 */
#include <string.h>

#include "node/link_internal.h"

void link_handshake_done(struct link *link)
{
    link_lock(&link->mutex);
    if (link->state == LINK_STATE_HANDSHAKE) {
        link->state = LINK_STATE_AUTHENTICATED;
    }
    link_unlock(&link->mutex);
    link_keeper_wake(link->links);
}

size_t link_handshake_wants(const struct link *link)
{
    return link->channel_open ? 0 : noise_act_bytes(&link->session->handshake);
}

static enum link_reason failure_reason(enum status status)
{
    return status == STATUS_BAD_KEY ? LINK_ENDED_HANDSHAKE_WEAK_KEY : LINK_ENDED_HANDSHAKE_FORGED;
}

/* Writes our next act behind what is still being sent. False if the link has failed. */
static bool send_act(struct link *link)
{
    struct noise_handshake *handshake = &link->session->handshake;
    uint8_t act[NOISE_ACT_3_BYTES];
    size_t length = 0;
    enum status status = noise_write_act(handshake, NULL, 0, act, sizeof act, &length);
    if (status != STATUS_OK) {
        link_fail(link, failure_reason(status));
        return false;
    }
    link_lock(&link->mutex);
    memcpy(link->out + link->out_length, act, length);
    link->out_length += length;
    bool start = !link->sending;
    link->sending = true;
    link_unlock(&link->mutex);
    if (start) {
        link_send_out(link);
    }
    return true;
}

void link_handshake_start(struct link *link)
{
    struct links *links = link->links;
    if (link->plain) {
        link->channel_open = true;
        if (link->dialled) {
            link_receive_more(link, LINK_STREAM_BYTES);
        } else {
            link_handshake_done(link);
        }
        return;
    }
    enum noise_role role = link->dialled ? NOISE_INITIATOR : NOISE_RESPONDER;
    noise_handshake_init(&link->session->handshake, role, &links->secrets->own_key,
                         link->dialled ? &link->peer->key : NULL, links->prologue,
                         links->prologue_length);
    if (link->dialled && !send_act(link)) {
        return;
    }
    link_receive_more(link, link_handshake_wants(link));
}

/* The acts are over: the keys go to the two directions. */
static void open_channel(struct link *link)
{
    struct link_session *session = link->session;
    struct transport_key remote = *noise_handshake_remote(&session->handshake);
    noise_handshake_split(&session->handshake, &session->out, &session->in);
    link->channel_open = true;
    if (link->dialled) {
        /* Up when the first message shows that the other side has accepted our key. */
        link_receive_more(link, LINK_STREAM_BYTES);
        return;
    }
    link->identity.key = remote;
    link_handshake_done(link);
}

void link_handshake_received(struct link *link)
{
    struct noise_handshake *handshake = &link->session->handshake;
    uint8_t payload[NOISE_ACT_3_BYTES];
    size_t payload_length = 0;
    enum status status =
        noise_read_act(handshake, link->in, link->in_length, payload, &payload_length);
    if (status != STATUS_OK) {
        link_fail(link, failure_reason(status));
        return;
    }
    link->in_length = 0;
    if (noise_handshake_writes(handshake) && !send_act(link)) {
        return;
    }
    if (noise_handshake_done(handshake)) {
        open_channel(link);
    } else {
        link_receive_more(link, link_handshake_wants(link));
    }
}
