/* sender: the window of batches under way (see sender.h). */
#include "cli/sender.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "cli/progress.h"

#define CONNECT_MS 5000
#define RECEIVE_MS 200
#define AWAIT_MS 10000
#define BACKOFF_MS_MIN 100
#define BACKOFF_MS_MAX 5000

void sender_init(struct sender *sender, struct client *client, uint64_t give_up_ms)
{
    memset(sender, 0, sizeof *sender);
    sender->client = client;
    sender->give_up_ms = give_up_ms;
    sender->progress_ms = monotonic_ms();
    sender->backoff_ms = BACKOFF_MS_MIN;
}

void sender_free(struct sender *sender)
{
    for (unsigned i = 0; i < SENDER_WINDOW; i++) {
        free(sender->window[i].bytes);
        free(sender->window[i].lines);
    }
}

struct part *sender_slot(struct sender *sender)
{
    for (unsigned i = 0; i < SENDER_WINDOW; i++) {
        struct part *part = &sender->window[i];
        if (part->state == PART_EMPTY) {
            if (part->bytes == NULL) {
                part->bytes = aligned_alloc(64, (BATCH_BYTES_MAX + 63u) / 64 * 64);
                part->lines = malloc(sizeof *part->lines * LIMIT_BATCH_RECORDS);
                CHECK(part->bytes != NULL && part->lines != NULL);
            }
            return part;
        }
    }
    return NULL;
}

unsigned sender_busy(const struct sender *sender)
{
    unsigned busy = 0;
    for (unsigned i = 0; i < SENDER_WINDOW; i++) {
        busy += sender->window[i].state != PART_EMPTY ? 1 : 0;
    }
    return busy;
}

static struct hash root_of(const struct part *part)
{
    const uint8_t *body = part->bytes + BATCH_PREFIX_BYTES;
    if (part->body_length > 0) {
        return batch_body_root(body, part->body_length);
    }
    struct hash *hashes = malloc(sizeof *hashes * part->count);
    CHECK(hashes != NULL);
    struct hash root =
        batch_records_root((const struct record *)(const void *)body, part->count, hashes);
    free(hashes);
    return root;
}

/* Header and signature for the records, or the action, in place. */
static void sign(struct sender *sender, struct part *part)
{
    struct batch_header header = {.version = BATCH_VERSION,
                                  .kind = part->body_length > 0 ? BATCH_ACTION : BATCH_RECORDS,
                                  .participant = sender->client->config.participant,
                                  .key_no = sender->client->config.key_no,
                                  .count = part->count,
                                  .created_ms = wall_clock_ms(),
                                  .chain_id = sender->client->chain_id,
                                  .source_hash = sender->source_hash,
                                  .part = part->number,
                                  .parts = sender->parts,
                                  .records_root = root_of(part)};
    header.expires_ms = header.created_ms + LIMIT_BATCH_LIFE_MS;
    uint8_t signed_bytes[BATCH_SIGNED_BYTES];
    struct signature signature;
    batch_signed_bytes(&header, signed_bytes);
    key_sign(sender->client->key, signed_bytes, sizeof signed_bytes, &signature);
    memcpy(part->bytes, &header, sizeof header);
    memcpy(part->bytes + sizeof header, signature.bytes, sizeof signature.bytes);
    part->id = batch_id(&header);
}

void sender_put(struct sender *sender, struct part *part)
{
    CHECK(part->state == PART_EMPTY && part->count > 0 && part->count <= LIMIT_BATCH_RECORDS);
    sign(sender, part);
    part->not_before_ms = 0;
    part->state = PART_SUBMIT;
}

/* The link is lost: what was under way is sent again over the next one. */
static void link_lost(struct sender *sender)
{
    link_client_close(sender->client->link);
    sender->client->link = NULL;
    for (unsigned i = 0; i < SENDER_WINDOW; i++) {
        struct part *part = &sender->window[i];
        if (part->state == PART_SUBMITTED) {
            part->state = PART_SUBMIT;
        } else if (part->state == PART_AWAITED) {
            part->state = PART_AWAIT;
        }
    }
}

static int connect_again(struct sender *sender)
{
    uint64_t now = monotonic_ms();
    if (now < sender->reconnect_ms) {
        struct timespec pause = {.tv_nsec = (long)(sender->reconnect_ms - now) % 1000 * 1000000L,
                                 .tv_sec = (time_t)((sender->reconnect_ms - now) / 1000)};
        nanosleep(&pause, NULL);
    }
    enum status status = client_connect(sender->client, CONNECT_MS);
    if (status == STATUS_OK) {
        sender->backoff_ms = BACKOFF_MS_MIN;
        return EXIT_CLEAN;
    }
    now = monotonic_ms();
    if (now - sender->progress_ms > sender->give_up_ms || status == STATUS_MALFORMED) {
        snprintf(sender->error, sizeof sender->error,
                 "the node at %s cannot be reached (%s); submitting the file again later is safe",
                 sender->client->config.address, status_text(status));
        return EXIT_UNREACHABLE;
    }
    sender->reconnect_ms = now + sender->backoff_ms;
    sender->backoff_ms =
        sender->backoff_ms * 2 > BACKOFF_MS_MAX ? BACKOFF_MS_MAX : sender->backoff_ms * 2;
    return EXIT_CLEAN;
}

static size_t body_length(const struct part *part)
{
    return part->body_length > 0 ? part->body_length : (size_t)part->count * RECORD_BYTES;
}

/* Sends the message that a part's state asks for. */
static enum status send_due(struct sender *sender, struct part *part)
{
    struct client_message message;
    memset(&message, 0, sizeof message);
    if (part->state == PART_SUBMIT && monotonic_ms() >= part->not_before_ms) {
        message.kind = CLIENT_SUBMIT;
        message.submit.batch = (struct span){part->bytes, BATCH_PREFIX_BYTES + body_length(part)};
        enum status status = client_send(sender->client, &message, &part->request);
        part->state = status == STATUS_OK ? PART_SUBMITTED : PART_SUBMIT;
        return status;
    }
    if (part->state == PART_AWAIT) {
        message.kind = CLIENT_AWAIT;
        message.await.batch_id = part->id;
        message.await.wait_ms = AWAIT_MS;
        enum status status = client_send(sender->client, &message, &part->request);
        part->state = status == STATUS_OK ? PART_AWAITED : PART_AWAIT;
        return status;
    }
    return STATUS_OK;
}

static void part_done(struct sender *sender, struct part *part, const struct receipt_facts *facts,
                      const uint16_t *verdicts)
{
    sender->done(sender->context, part, facts, verdicts);
    part->state = PART_EMPTY;
    sender->progress_ms = monotonic_ms();
}

static int take_receipt(struct sender *sender, struct part *part,
                        const struct client_receipt *receipt)
{
    struct receipt_facts facts;
    const char *wrong = receipt_check(receipt, &sender->client->documents.lineage,
                                      signing_key_public(sender->client->key), &facts);
    if (wrong == NULL && !hash_equal(&facts.batch_id, &part->id)) {
        wrong = "it is for another batch";
    }
    if (wrong != NULL) {
        snprintf(sender->error, sizeof sender->error,
                 "the node's receipt for part %u does not hold: %s", part->number + 1, wrong);
        return EXIT_INTEGRITY;
    }
    part_done(sender, part, &facts, receipt->verdicts);
    return EXIT_CLEAN;
}

static int take_refusal(struct sender *sender, struct part *part,
                        const struct client_refused *refused)
{
    if (part->state == PART_AWAITED) {
        /* It cannot show what it has: let it take the batch again. */
        part->state = PART_SUBMIT;
        return EXIT_CLEAN;
    }
    if (refused->code == STATUS_EXPIRED) {
        part->state = PART_EMPTY;
        sender_put(sender, part);
        return EXIT_CLEAN;
    }
    snprintf(sender->error, sizeof sender->error, "part %u is refused: %s%s%s%s", part->number + 1,
             status_name(refused->code), refused->field[0] != '\0' ? " in " : "", refused->field,
             ": ");
    size_t used = strlen(sender->error);
    snprintf(sender->error + used, sizeof sender->error - used, "%s", refused->sentence);
    return refused->code == STATUS_WRONG_CHAIN || refused->code == STATUS_BAD_SIGNATURE ||
                   refused->code == STATUS_DENIED
               ? EXIT_USAGE
               : EXIT_FINDINGS;
}

static int take_answer(struct sender *sender, const struct client_message *message)
{
    struct part *part = NULL;
    for (unsigned i = 0; i < SENDER_WINDOW; i++) {
        struct part *own = &sender->window[i];
        if ((own->state == PART_SUBMITTED || own->state == PART_AWAITED) &&
            own->request == message->request) {
            part = own;
        }
    }
    if (part == NULL) {
        return EXIT_CLEAN; /* an answer to what was sent over an earlier link */
    }
    if (message->kind == CLIENT_ACCEPTED && part->state == PART_SUBMITTED) {
        sender->progress_ms = monotonic_ms();
        if (!sender->await_receipts) {
            part_done(sender, part, NULL, NULL);
        } else {
            part->state = PART_AWAIT;
        }
    } else if (message->kind == CLIENT_RECEIPT && part->state == PART_AWAITED) {
        return take_receipt(sender, part, &message->receipt);
    } else if (message->kind == CLIENT_PENDING) {
        part->state = message->pending.state == CLIENT_BATCH_UNKNOWN ? PART_SUBMIT : PART_AWAIT;
    } else if (message->kind == CLIENT_EXPIRED) {
        part->state = PART_EMPTY;
        sender_put(sender, part);
    } else if (message->kind == CLIENT_BUSY) {
        part->not_before_ms = monotonic_ms() + message->busy.retry_ms;
        part->state = PART_SUBMIT;
    } else if (message->kind == CLIENT_REFUSED) {
        return take_refusal(sender, part, &message->refused);
    }
    return EXIT_CLEAN;
}

int sender_drive(struct sender *sender)
{
    if (sender->client->link == NULL) {
        int code = connect_again(sender);
        if (code != EXIT_CLEAN || sender->client->link == NULL) {
            return code;
        }
    }
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < SENDER_WINDOW && status == STATUS_OK; i++) {
        status = send_due(sender, &sender->window[i]);
    }
    struct client_message message;
    if (status == STATUS_OK) {
        status = client_receive(sender->client, RECEIVE_MS, &message);
    }
    int code = EXIT_CLEAN;
    if (status == STATUS_OK) {
        code = take_answer(sender, &message);
    } else if (status != STATUS_TIMEOUT) {
        link_lost(sender);
        sender->reconnect_ms = monotonic_ms() + BACKOFF_MS_MIN;
    }
    if (code == EXIT_CLEAN && monotonic_ms() - sender->progress_ms > sender->give_up_ms) {
        snprintf(sender->error, sizeof sender->error,
                 "nothing went forward for %" PRIu64 " s: the network may lack a quorum; "
                 "submitting the file again later is safe",
                 sender->give_up_ms / 1000);
        code = EXIT_UNREACHABLE;
    }
    return code;
}
