/*
 * sender: batches on their way to final: several at once, each in one of these states:
 *
 *   EMPTY ─sender_put─► SUBMIT ─sent─► SUBMITTED ─Accepted─► (await) AWAIT ─sent─► AWAITED
 * ─Receipt─► ▲ Busy, after its time │ lost link, expired (signed anew) │        done
 *                          └──────────────────────┴──────────────────────────────────┘
 *
 * Sending again is always safe: a batch is applied once, a part of a file is applied once, a
 * record's id is applied once. So after any doubt the sender just sends again.
 */
#ifndef HEFU_CLI_SENDER_H
#define HEFU_CLI_SENDER_H

#include "cli/client.h"
#include "cli/receipt_check.h"

#define SENDER_WINDOW 8

enum part_state { PART_EMPTY, PART_SUBMIT, PART_SUBMITTED, PART_AWAIT, PART_AWAITED };

/* One batch under way, and where its records stood in the file. */
struct part {
    enum part_state state;
    uint64_t request;       /* of the message sent last */
    uint64_t not_before_ms; /* monotonic: after Busy */
    struct hash id;
    uint8_t *bytes;  /* header, signature, records; BATCH_BYTES_MAX, owned */
    uint64_t *lines; /* of each record; owned */
    uint32_t number, count;
    size_t body_length; /* of an action in the records' place, and count 1; 0: records */
};

/* Called for each part that is done, with its verdicts (NULL if not awaited). */
typedef void (*sender_done)(void *context, const struct part *part,
                            const struct receipt_facts *facts, const uint16_t *verdicts);

struct sender {
    struct client *client;
    bool await_receipts;
    struct hash source_hash;
    uint32_t parts;
    sender_done done;
    void *context;
    uint64_t give_up_ms;  /* without progress for so long: stop */
    uint64_t progress_ms; /* monotonic: when something last went forward */
    uint64_t reconnect_ms, backoff_ms;
    struct part window[SENDER_WINDOW];
    char error[512];
};

void sender_init(struct sender *sender, struct client *client, uint64_t give_up_ms);
void sender_free(struct sender *sender);

/* An empty part to fill (bytes after the prefix, lines, number, count), or NULL: drive it first. */
struct part *sender_slot(struct sender *sender);
/* Signs the filled part and puts it on its way. */
void sender_put(struct sender *sender, struct part *part);
/* Sends what is due, waits a little for answers and takes them. EXIT_CLEAN to go on; else the exit
   code, with what happened in error. */
int sender_drive(struct sender *sender) MUST_USE;
/* Parts not yet done. */
unsigned sender_busy(const struct sender *sender);

#endif
