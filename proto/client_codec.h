/*
 * client_codec: the frames between a client and its node, between plain structs and
 * proto/client.proto (docs/transport.md, Client protocol). A client numbers its requests; every
 * answer repeats the number. Decoding has peer_codec's rules: both sides treat the other as
 * hostile.
 */
#ifndef HEFU_PROTO_CLIENT_CODEC_H
#define HEFU_PROTO_CLIENT_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/merkle.h"
#include "base/status.h"
#include "consensus/message.h"
#include "ledger/batch.h"
#include "ledger/block.h"

#define CLIENT_VERSION 1

#define CLIENT_FIELD_BYTES 64     /* a refused field's name */
#define CLIENT_SENTENCE_BYTES 256 /* a refusal's sentence, an alarm */
#define CLIENT_NAME_BYTES 64      /* of a peer, a counter, a role */
#define CLIENT_PEERS_MAX 256
#define CLIENT_EPOCHS_MAX 64 /* in one receipt: a later one is read from a home */
#define CLIENT_ALARMS_MAX 64
#define CLIENT_COUNTERS_MAX 512
#define CLIENT_LABELS_BYTES 128
#define CLIENT_METRICS_MAX 2048

/* Arenas that hold any request, and any answer, decoded; the memory is aligned to 16 bytes. A
   node decodes with the small one: an answer sent to it fails with MALFORMED or NO_MEMORY. */
#define CLIENT_REQUEST_ARENA_BYTES (64u << 10)
#define CLIENT_ANSWER_ARENA_BYTES (9u << 20)

enum client_message_kind {
    /* Requests. */
    CLIENT_SUBMIT = 1,  /* answers: ACCEPTED, REFUSED, BUSY */
    CLIENT_AWAIT,       /* answers: RECEIPT, PENDING, EXPIRED, REFUSED */
    CLIENT_NODE_STATUS, /* answer: STATUS_REPORT */
    CLIENT_SUBSCRIBE,   /* answers: FINAL_RECORDS, one a block, until the link closes; REFUSED */
    /* Answers. */
    CLIENT_ACCEPTED,
    CLIENT_REFUSED,
    CLIENT_RECEIPT,
    CLIENT_PENDING,
    CLIENT_EXPIRED,
    CLIENT_STATUS_REPORT,
    CLIENT_BUSY,
    CLIENT_FINAL_RECORDS,
};

struct client_submit {
    struct span batch; /* header ‖ signature ‖ body, as batch_parse reads it; not parsed here */
};

struct client_await {
    struct hash batch_id;
    uint32_t wait_ms; /* 0: answer at once */
};

struct client_subscribe {
    uint64_t from_height;
};

/* Durable on validators_holding validators, the answering node included. */
struct client_accepted {
    struct hash batch_id;
    uint32_t validators_holding;
};

/* Strings are valid UTF-8 without control characters, zero-terminated, never NULL. */
struct client_refused {
    enum status code;
    const char *field;    /* the offending field, or empty */
    const char *sentence; /* what is wrong and what to do */
};

/* How one epoch hands over to the next: its terminal block, final by its own quorum, names the set
   of these members. */
struct client_epoch {
    const uint8_t *block_header; /* BLOCK_HEADER_BYTES */
    const struct certificate *finalization;
    const uint8_t *members; /* CLIENT_MEMBER_BYTES each, as the hash of their set takes them */
    uint32_t member_count;
};
#define CLIENT_MEMBER_BYTES 68

/* What shows a key that an action gave: the block that wrote the action's row, the digest of
   ACTIONS before it, the path of the digest after it under state_root, and all that it wrote to
   ACTIONS (docs/formats.md, Proof of a key). */
struct client_key_proof {
    const uint8_t *block_header; /* BLOCK_HEADER_BYTES */
    const struct certificate *finalization;
    struct hash previous;
    const struct hash *path;
    uint32_t path_count;
    struct span rows; /* at most CLIENT_KEY_ROWS_BYTES_MAX */
};
#define CLIENT_KEY_ROWS_BYTES_MAX (3u << 20)

/* What shows offline that a batch is final: its verdicts stand under verdicts_root and its id under
   batches_root, both at batch_index, in the header that the finalization names. The epochs lead
   from genesis' validators to those of the block. */
struct client_receipt {
    const uint8_t *batch_header; /* BATCH_HEADER_BYTES */
    struct signature batch_signature;
    const uint16_t *verdicts; /* one a record; 2-byte aligned */
    uint32_t verdict_count;
    const uint8_t *block_header; /* BLOCK_HEADER_BYTES */
    const struct certificate *finalization;
    uint32_t batch_index;
    const struct hash *batches_path; /* from the leaf upwards */
    uint32_t batches_path_count;     /* at most MERKLE_PATH_MAX */
    const struct hash *verdicts_path;
    uint32_t verdicts_path_count;
    const struct client_epoch *epochs; /* of epochs 1, 2 ... */
    uint32_t epoch_count;              /* at most CLIENT_EPOCHS_MAX */
    bool has_key;                      /* the batch's key is not one of genesis */
    struct client_key_proof key;
};

/* How far a batch that is not final yet has come. */
enum client_batch_state {
    CLIENT_BATCH_UNKNOWN = 1, /* this node does not know the id */
    CLIENT_BATCH_POOLED,      /* held here, not yet durable on f+1 validators */
    CLIENT_BATCH_ACCEPTED,    /* durable on f+1 validators */
    CLIENT_BATCH_PROPOSED,    /* named by an open block */
};

struct client_pending {
    enum client_batch_state state;
};

struct client_peer {
    uint32_t index; /* in the validator set */
    const char *name;
    bool connected;
    uint64_t height;    /* its last known final height */
    uint32_t rtt_us;    /* 0: not measured */
    uint64_t view;      /* as it last said */
    uint64_t silent_ms; /* since it was last heard of */
};

struct client_counter {
    const char *name;
    uint64_t value;
};

/* A counter or gauge with labels (node/metrics.h). */
struct client_metric {
    const char *name;
    const char *labels; /* name="value" pairs with commas between them; may be empty */
    uint64_t value;
};

struct client_status_report {
    uint64_t height; /* final */
    struct hash final_hash;
    struct hash state_root;
    uint64_t epoch;
    uint64_t view;
    uint32_t leader;  /* of the view */
    const char *role; /* in the node's own words, for people */
    uint32_t delta_ms;
    uint64_t pool_batches;
    uint64_t pool_bytes;
    uint64_t uptime_ms;
    const struct client_peer *peers;
    uint32_t peer_count;
    const char *const *alarms;
    uint32_t alarm_count;
    const struct client_counter *counters;
    uint32_t counter_count;
    const struct client_metric *metrics;
    uint32_t metric_count;
};

struct client_busy {
    uint32_t retry_ms;
};

/* Records of one batch of a final block: those that concern the subscriber. The i-th record is the
   batch's number indexes[i] (ascending) and has verdicts[i]. All arrays have record_count entries,
   which may be 0 (an action's batch). */
struct client_final_batch {
    const uint8_t *batch_header; /* BATCH_HEADER_BYTES */
    const uint16_t *indexes;     /* 2-byte aligned */
    const uint16_t *verdicts;    /* 2-byte aligned */
    const uint8_t *records;      /* record_count * RECORD_BYTES, 8-byte aligned */
    uint32_t record_count;       /* at most LIMIT_BATCH_RECORDS */
};

struct client_final_records {
    uint64_t height;
    uint64_t timestamp_ms; /* the block header's */
    const struct client_final_batch *batches;
    uint32_t batch_count; /* at most LIMIT_BLOCK_BATCHES; may be 0 */
};

struct client_message {
    enum client_message_kind kind;
    uint64_t request; /* chosen by the client, repeated by each answer */
    union {
        struct client_submit submit;
        struct client_await await;
        struct client_subscribe subscribe;
        struct client_accepted accepted;
        struct client_refused refused;
        struct client_receipt receipt;
        struct client_pending pending;
        struct client_status_report status_report;
        struct client_busy busy;
        struct client_final_records final_records;
    }; /* nothing for NODE_STATUS and EXPIRED */
};

/* As peer_encoded_bound. */
size_t client_encoded_bound(const struct client_message *message);

/* As peer_encode; MALFORMED if a string is not UTF-8 or has a control character. Strings longer
   than their limits are OVERSIZED: the caller shortens them. */
enum status client_encode(const struct client_message *message, uint8_t *buffer, size_t capacity,
                          size_t *ret_length) MUST_USE;

/* As peer_decode; SUBMIT's batch borrows from the input. validator_count bounds the signers of a
   receipt's finalization (LIMIT_VALIDATORS if the set is not known). Whether the kind is one for
   this side is the caller's to check: client_kind_is_request. */
enum status client_decode(const uint8_t *data, size_t length, struct arena *arena,
                          uint32_t validator_count, struct client_message *ret_message,
                          const char **ret_what) MUST_USE;

bool client_kind_is_request(enum client_message_kind kind);

/* "SUBMIT" ...: for logs and counters. Static storage. */
const char *client_message_name(enum client_message_kind kind);

/* "pooled" ...: for people. Static storage. */
const char *client_batch_state_name(enum client_batch_state state);

#endif
