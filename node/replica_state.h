/*
 * replica_state: the inside of a replica, shared by the files that each carry one concern of it:
 *
 *   replica_open.c     opening: genesis, the stored state, consensus restored
 *   replica.c          time, timers, the step loop that carries out consensus effects
 *   replica_bodies.c   bodies of blocks that are not final
 *   replica_blocks.c   open blocks: check, build, commit
 *   replica_batches.c  batches: taken in, pushed, announced, fetched, expired
 *   replica_batches_load.c  which of them are pending, over restarts
 *   replica_sync.c     what peers ask for, and catching up
 *   replica_send.c     frames to peers
 *   replica_incarnation.c  which incarnation a store is in, and the step to the next
 *   replica_epoch.c    who votes, who may link as a peer, and the change from one epoch to the next
 *   replica_ready.c    a new validator says that it has caught up
 *   replica_receipts.c receipts, from storage
 *   replica_keys.c     what they carry of a key that an action gave
 *   replica_prune.c    votes and notarizations that serve nobody any more
 *   replica_clients.c  participants and operators: submit, await, receipts, status
 */
#ifndef HEFU_NODE_REPLICA_STATE_H
#define HEFU_NODE_REPLICA_STATE_H

#include "base/arena.h"
#include "node/chain.h"
#include "node/given_keys.h"
#include "node/metrics.h"
#include "node/pool.h"
#include "node/replica.h"
#include "node/rows.h"
#include "node/wanted.h"
#include "proto/client_codec.h"
#include "proto/peer_codec.h"

/* Candidates of the open height: in a long outage one that was voted for in every view. */
#define OPEN_BLOCKS_MAX 512
/* Answers to CHECK_BLOCK and BUILD_BLOCK that wait for the running step to end. */
#define ANSWERS_MAX (OPEN_BLOCKS_MAX + 256)
#define SESSIONS_MAX 1024
#define WAITERS_MAX 4096
/* Answers that one client may wait for. */
#define WAITERS_OF_ONE 1024
/* Batches under verification at once. */
#define VERIFYING_MAX 512
/* Of these, bytes that came from clients: more would only wait in memory. */
#define VERIFYING_CLIENT_BYTES (64u << 20)
#define CATCHUP_MAX 64
/* Feeds of one height, a second apart, before fetched blocks are thrown away and asked for anew. */
#define CATCHUP_FEEDS_MAX 10
#define ALARMS_MAX 16
/* Sent to one peer in one tick when it lacks batches. */
#define REPUSH_PER_TICK 4
#define HAVES_MAX PEER_HAVE_MAX
#define FETCH_RETRY_MS 300
#define HAVE_WAIT_MS 500
#define HOUSEKEEPING_MS 1000

/* The author of what was built here, stored here, or came with its finalization. */
#define OPEN_TRUSTED UINT32_MAX

struct open_block {
    bool used;
    bool durable;       /* in the open_blocks table */
    bool agreed;        /* own execution gave the same roots: it may be committed at any time */
    bool check_pending; /* consensus waits for an answer; batches are missing */
    uint32_t author;    /* the peer slot that proposed it, or OPEN_TRUSTED */
    uint32_t source;    /* peer slot to ask first */
    uint64_t next_fetch_ms;
    uint64_t touched_ms;
    struct hash hash;
    struct block_header header;
    struct hash batch_ids[LIMIT_BLOCK_BATCHES];
};

/* A batch handed to the verify pool. */
struct verifying {
    bool used;
    uint64_t token;
    struct hash id;
    uint32_t peer; /* the slot that sent it; UINT32_MAX: a client did */
    size_t length;
};

enum waiting_for { WAIT_ACCEPTED, WAIT_FINAL };

struct waiter {
    bool used;
    enum waiting_for what;
    uint64_t session;
    uint64_t request;
    struct hash id;
    uint64_t deadline_ms;
};

struct session {
    uint64_t id; /* 0: free */
    enum client_role role;
    uint32_t participant;
    uint32_t waiters;
};

/* The leaves of the two trees of a block that receipts of its batches need; the last one asked for
   stays, because the batches of a block are awaited together. */
struct receipt_trees {
    uint64_t height; /* 0: none */
    struct hash batches[LIMIT_BLOCK_BATCHES];
    struct hash verdicts[LIMIT_BLOCK_BATCHES];
};

/* What a receipt points to. */
struct receipt_parts {
    struct merkle_path batches_path, verdicts_path;
    struct given_keys_proof key;
};

/* Evidence that no block has recorded; it is in the store. */
#define UNRECORDED_MAX 64
struct unrecorded {
    struct evidence evidence;
    uint64_t due_ms; /* own turn to record it */
};

/* Offences of one validator of another epoch that were taken from peers. */
#define FORMER_OFFENDERS_MAX 64
struct offender {
    uint64_t epoch;
    uint32_t signer, taken;
};

/* The steps between epochs that receipts carry, as far as they were asked for. */
struct receipt_epochs {
    uint64_t first; /* epoch of the incarnation that they begin in; 0: none yet */
    uint64_t next;  /* that is not read yet */
    uint32_t count;
    struct epoch_step *steps[CLIENT_EPOCHS_MAX]; /* owned */
    struct client_epoch views[CLIENT_EPOCHS_MAX];
};

struct peer_state {
    bool up;
    bool heard;            /* a status, since it is up */
    uint64_t final_height; /* as it last said */
    uint64_t epoch;
    uint64_t answer_bytes; /* may be sent in answer to its requests, as of answer_ms */
    uint64_t answer_ms;
    uint64_t heard_ms;
    uint64_t hint_ms; /* when a finalization that ends this epoch was last looked at from it */
};

/* A final block from a peer that waits for its turn. */
struct catchup_block {
    uint32_t peer; /* slot of who sent it */
    struct block_header header;
    struct hash hash;
    struct hash batch_ids[LIMIT_BLOCK_BATCHES];
    struct certificate finalization;
};

struct replica {
    struct node_io io;
    struct replica_config config;
    struct validator_set set; /* of this epoch */
    const struct validator_set *validators;
    uint32_t own_index; /* in it, or CONSENSUS_OBSERVER */
    uint32_t own_key;   /* of config.keys: the one that votes; meaningless for an observer */
    struct vote_register registers[REPLICA_KEYS_MAX]; /* as last written */
    struct peer_observer *observers;
    struct peers table;
    uint64_t listed_epoch; /* that the table was made for, and whether there were candidates */
    bool listed_candidates;
    struct hash chain_id;          /* of this epoch */
    const struct genesis *genesis; /* the first document: what is used of it never changes */
    bool entry_refused; /* the next incarnation's document does not continue this chain */
    char refusal[768];  /* why, or why the store cannot be opened */
    uint64_t now_ms;
    uint64_t monotonic_ms;
    uint64_t started_ms;

    struct consensus *consensus;
    uint32_t answer_first, answer_count;
    bool stepping;

    void *ledger_memory; /* of ledger */
    struct ledger *ledger;
    struct working_set *working_set;
    struct hash executed;                 /* hash of the speculative block, zero: none */
    const struct ledger_outcome *outcome; /* of it */
    struct chain chain;

    struct final_point final;
    struct block_header final_header;

    struct pool *pool;
    uint32_t records_max; /* own record budget for a block */
    struct hash built;    /* the last block built here, until it is final */
    uint32_t open_high;   /* no place of open_blocks from here on is used */
    struct verifying verifying[VERIFYING_MAX];
    uint32_t verifying_count;
    uint64_t verifying_client_bytes;
    uint64_t next_token;

    struct catchup_block *catchup; /* CATCHUP_MAX, a ring in order of height */
    uint32_t catchup_first, catchup_count;
    uint64_t catchup_height; /* of the last feed, and how often it was fed */
    uint32_t catchup_feeds;

    struct peer_state peers[LIMIT_PEERS];
    uint32_t peers_high; /* no slot from here on was ever up */
    bool tell_followers; /* F has moved in this pass */
    uint32_t chase_peer;
    uint64_t chase_ms; /* blocks were asked for because of another epoch's claim */
    uint64_t ready_ms; /* when READY was last sent */
    struct session sessions[SESSIONS_MAX];
    uint32_t session_count;
    uint32_t waiter_count;
    uint32_t waiter_high; /* no place of waiters from here on is used */
    struct receipt_trees receipt_trees;
    struct receipt_epochs receipt_epochs;

    uint64_t work_next_ms; /* when a pooled batch ripens */
    uint64_t housekeeping_ms;
    bool had_work;
    bool refuse_batches;
    struct unrecorded unrecorded[UNRECORDED_MAX];
    uint32_t unrecorded_count;
    bool unrecorded_more; /* the store holds more of it */
    uint32_t
        evidence_taken[LIMIT_VALIDATORS]; /* from peers, by this epoch's index of the accused */
    struct offender former[FORMER_OFFENDERS_MAX];
    uint32_t former_count;
    const char *alarms[ALARMS_MAX];
    uint32_t alarm_count;
    struct replica_view counters;

    uint8_t *frame;                     /* LIMIT_FRAME_BYTES, for encoding */
    uint8_t *decode;                    /* PEER_ARENA_BYTES, for decoding */
    uint32_t have_count;                /* of haves */
    struct ledger_write *sorted_writes; /* scratch for putting ids in order */
    uint32_t sorted_capacity;

    /* Megabytes that are written before they are read: not cleared at the start. */
    struct effects effects;
    struct wanted_table wanted;
    struct waiter waiters[WAITERS_MAX];
    struct hash haves[HAVES_MAX]; /* taken in durably in this pass, to be announced at its end */
    struct event answers[ANSWERS_MAX];
    struct open_block open_blocks[OPEN_BLOCKS_MAX];
    struct metric_list metrics; /* of the last status */
};

/* replica.c: one event through consensus, its effects, and the answers they raise. */
void replica_step(struct replica *replica, struct event *event);
/* Carries out the effects of the last call of consensus. */
void replica_carry_out(struct replica *replica);
/* Queues an answer; carried out after the running step. */
void replica_answer(struct replica *replica, const struct event *answer);
void replica_answer_checked(struct replica *replica, const struct hash *hash,
                            enum block_check check);
void replica_update_work(struct replica *replica);
void replica_log(struct replica *replica, const char *level, const char *event, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));
/* The alarm's sentence; static. */
const char *replica_alarm_text(enum alarm alarm);

/* replica_epoch.c. A peer is a slot, a validator an index in this epoch's set (node/peers.h). */
bool replica_is_own(const struct replica *replica, uint32_t peer);
bool replica_votes(const struct replica *replica);
/* The index of a peer, or PEER_NONE. */
uint32_t replica_validator_of(const struct replica *replica, uint32_t peer);
/* The slot of a validator; CONSENSUS_ALL stays. */
uint32_t replica_peer_of(const struct replica *replica, uint32_t validator);
/* Whom to ask after this peer: the next one that is up and may have what is wanted. */
uint32_t replica_next_source(const struct replica *replica, uint32_t peer);
/* At open: the set of this epoch, as the ledger has it. */
void replica_epoch_load(struct replica *replica);
/* The machine of this epoch, not yet restored. */
void replica_epoch_machine(struct replica *replica);
/* Brings the vote registers of all own keys to the present epoch, in this pass. */
void replica_epoch_advance_registers(struct replica *replica);
/* Between two steps: if the final block ended the epoch, goes over to the next one. */
void replica_epoch_settle(struct replica *replica);
/* After a commit: who may link now. */
void replica_epoch_peers(struct replica *replica);

/* replica_bodies.c */
struct consensus_block replica_block_summary(const struct block_header *header,
                                             const struct hash *hash);
struct open_block *replica_open_find(struct replica *replica, const struct hash *hash);
/* Remembers a body; an old one that nothing depends on makes room. author: the peer that proposed
   it, or OPEN_TRUSTED. NULL if there is no room. */
struct open_block *replica_open_add(struct replica *replica, const struct block_header *header,
                                    const struct hash *batch_ids, uint32_t author);
bool replica_open_names(const struct replica *replica, const struct hash *batch_id);
/* Forgets what is no longer above the final block. */
void replica_open_drop_final(struct replica *replica);

/* replica_incarnation.c */
/* Whether this node is in the newest incarnation. In an earlier one it follows, and signs nothing.
 */
bool replica_incarnation_is_newest(const struct replica *replica);
/* Whether a store with this chain id leads to the newest incarnation. Otherwise WRONG_CHAIN or
   CORRUPT, with a sentence in refusal but for a chain id that is unknown. */
enum status replica_incarnation_check(struct replica *replica,
                                      const struct hash *chain_id) MUST_USE;
/* The mark of a halt: the alarm u8 and the newest chain id then. A halt of an earlier incarnation
   no longer counts, and its mark goes. */
#define HALTED_BYTES (1 + HASH_BYTES)
bool replica_incarnation_halted(struct replica *replica, enum alarm *ret_alarm);
void replica_incarnation_halt(struct replica *replica, enum alarm alarm);
/* Enters every incarnation whose root is the last final block. WRONG_CHAIN, and why in refusal, if
   its document does not continue this chain. */
enum status replica_incarnation_enter(struct replica *replica) MUST_USE;
/* The form of a batch of any incarnation, and whether this node takes it now: OK; BUSY if it is of
   another one and that is nobody's fault; WRONG_CHAIN. */
enum status replica_incarnation_parse(const struct replica *replica, const uint8_t *bytes,
                                      size_t length, struct batch *ret_batch,
                                      const char **ret_field) MUST_USE;
enum status replica_incarnation_takes(const struct replica *replica, const struct batch *batch,
                                      bool from_peer) MUST_USE;
/* What is pooled and signed for another incarnation than this one is dropped. */
void replica_incarnation_drop_batches(struct replica *replica);
void replica_incarnation_log_dropped(struct replica *replica, uint32_t count);

/* replica_blocks.c */
/* Takes back what was executed and is not final. */
void replica_blocks_rollback(struct replica *replica);
/* Stores a block that every node makes alone, which is final by definition: genesis, or a root. */
void replica_blocks_store_made(struct replica *replica, const struct ledger_outcome *outcome);
void replica_blocks_check(struct replica *replica, const struct hash *hash, uint32_t peer);
void replica_blocks_build(struct replica *replica, const struct effect *effect);
void replica_blocks_persist(struct replica *replica, const struct hash *hash);
void replica_blocks_commit(struct replica *replica, const struct hash *hash,
                           const struct certificate *finalization);
/* A batch has arrived: checks that waited for it may go on. */
void replica_blocks_batch_arrived(struct replica *replica);
/* Asks again for what checks wait for. */
void replica_blocks_retry(struct replica *replica);
uint64_t replica_blocks_deadline(const struct replica *replica);

/* replica_batches.c */
/* Takes bytes for verification, or does nothing if the batch is here or final already (OK too).
   Otherwise says what is wrong, and the field. peer: UINT32_MAX for a client's. */
enum status replica_batches_take(struct replica *replica, const uint8_t *bytes, size_t length,
                                 uint32_t peer, struct hash *ret_id,
                                 const char **ret_field) MUST_USE;
void replica_batches_have(struct replica *replica, uint32_t peer, const struct hash *ids,
                          uint32_t count);
void replica_batches_requested(struct replica *replica, uint32_t peer, const struct hash *ids,
                               uint32_t count);
/* Asks peer for a batch: at once if a block needs it, else unless it comes by itself soon. */
void replica_batches_want(struct replica *replica, const struct hash *id, uint32_t peer,
                          bool by_block);
/* Whether a final block names it, and where. */
bool replica_batches_placed(struct replica *replica, const struct hash *id, uint64_t *ret_height,
                            uint32_t *ret_index);
void replica_batches_final(struct replica *replica, const struct hash *id);
/* Whether the copy in the pool was verified under the key that its number means now. If not, it is
   dropped: validators' numbers are parts of their keys, an id does not cover the signature, and
   another copy may be good. One whose number means no key is good in no copy, and stays. */
bool replica_batches_current(struct replica *replica, struct pool_batch *batch);
void replica_batches_peer_up(struct replica *replica, uint32_t peer);
/* Each second: expiry, pushing again what peers lack. */
void replica_batches_housekeep(struct replica *replica);
/* Asks for what is wanted and due. */
void replica_batches_fetch(struct replica *replica);
uint64_t replica_batches_deadline(const struct replica *replica);
/* Announces what this pass has taken in. */
void replica_batches_announce(struct replica *replica);
/* replica_batches_load.c */
/* That a stored batch is pending, and that it no longer is. */
void replica_batches_remember(struct replica *replica, const struct hash *id);
void replica_batches_forget(struct replica *replica, const struct hash *id);
/* Notes that a peer holds the batch; true if that counts, which it does of this epoch's validators,
   and was not known. */
bool replica_batches_hold(struct replica *replica, struct pool_batch *batch, uint32_t peer);
/* After a restart: the pool from storage, with the marks of a crash. */
enum status replica_batches_load(struct replica *replica) MUST_USE;

/* replica_sync.c */
void replica_sync_request_certificates(struct replica *replica, uint32_t peer, uint64_t from_view,
                                       uint64_t to_view);
void replica_sync_request_blocks(struct replica *replica, uint32_t peer, uint64_t from_height);
/* Asks a peer that claims blocks which this epoch's machine does not ask for. */
void replica_sync_chase(struct replica *replica);
/* Tells the peers that do not vote where F is, with its finalization. */
void replica_sync_tell(struct replica *replica, uint32_t peer);
void replica_sync_tell_followers(struct replica *replica);
/* Hands the next fetched block to consensus, if it is the child of the final one. */
void replica_sync_feed(struct replica *replica);
/* Whether an answer of so many bytes is within what this peer may cause to be sent now; if so it is
   charged. */
bool replica_sync_may_answer(struct replica *replica, uint32_t peer, size_t bytes);

/* replica_send.c. peer: a slot, or CONSENSUS_ALL: all validators of this epoch. */
void replica_send(struct replica *replica, uint32_t peer, enum link_class class,
                  const struct peer_message *message);
void replica_send_vote(struct replica *replica, uint32_t peer, const struct vote *vote);
void replica_send_certificate(struct replica *replica, uint32_t peer,
                              const struct certificate *certificate);
void replica_send_proposal(struct replica *replica, uint32_t peer, const struct proposal *proposal);
void replica_send_status(struct replica *replica, uint32_t peer, const struct peer_status *status);
void replica_send_have(struct replica *replica, uint32_t peer, const struct hash *ids,
                       uint32_t count);
void replica_send_batch(struct replica *replica, uint32_t peer, const uint8_t *bytes, size_t length,
                        bool catching_up);
void replica_send_batch_request(struct replica *replica, uint32_t peer, const struct hash *ids,
                                uint32_t count);
void replica_send_evidence(struct replica *replica, const struct evidence *evidence);

/* replica_rejoin.c */
/* A sentence if the register does not let this node start, else NULL. */
const char *replica_rejoin_forbids(const struct replica *replica);
/* After opening, and as an epoch begins: says if it rejoins. */
void replica_rejoin_opened(struct replica *replica);
/* The own register is about to become next: logs what changes, raises or clears the alarm. */
void replica_rejoin_note(struct replica *replica, const struct vote_register *next);

/* replica_ready.c: each second, for a new member that has caught up. */
void replica_ready_tick(struct replica *replica);

/* replica_evidence.c */
/* At the start: what the store holds and no block has recorded. */
void replica_evidence_load(struct replica *replica);
/* Each second: records what is due and is not recorded yet. */
void replica_evidence_tick(struct replica *replica);
/* A peer's evidence: stored and shared if both votes are genuine. BAD_SIGNATURE if it is forged. */
enum status replica_evidence_take(struct replica *replica,
                                  const struct evidence *evidence) MUST_USE;
/* Of a batch of kind evidence: what is cheap to see, and, once its own signature is verified, that
   both votes are genuine. A batch that fails is never pooled. */
enum status replica_evidence_form(struct replica *replica, const struct batch *batch) MUST_USE;
enum status replica_evidence_verified(struct replica *replica, const struct batch *batch) MUST_USE;
/* Stores it, then shares it. */
void replica_evidence_found(struct replica *replica, const struct evidence *evidence);
/* Stores two certificates that cannot both be; first may be NULL. */
void replica_evidence_conflict(struct replica *replica, const struct certificate *first,
                               const struct certificate *second);

/* replica_receipts.c */
/* The receipt of a final batch; it points into parts and the chain, until the next read. OVERSIZED
   if there are more epochs than a receipt carries; CORRUPT. */
enum status replica_receipt(struct replica *replica, uint64_t height, uint32_t index,
                            struct receipt_parts *parts,
                            struct client_receipt *ret_receipt) MUST_USE;
void replica_receipts_free(struct replica *replica);

/* replica_keys.c */
/* Before the rows of the executed block are stored: keeps what proves the keys that it gives. */
void replica_keys_note(struct replica *replica);
/* The proof of the key that signed a batch of the block at height. NOT_FOUND if genesis has the key
   or none is stored; CORRUPT. */
enum status replica_key_proof(struct replica *replica, const struct batch_header *header,
                              uint64_t height, struct given_keys_proof *ret_proof) MUST_USE;

/* replica_prune.c: after a commit. */
void replica_prune(struct replica *replica);

/* replica_clients.c */
/* A submitted batch did not verify. */
void replica_clients_refused(struct replica *replica, const struct hash *id, enum status status);
/* A validator more holds the batch durably. */
void replica_clients_held(struct replica *replica, const struct pool_batch *batch);
void replica_clients_final(struct replica *replica, const struct hash *id);
void replica_clients_expired(struct replica *replica, const struct hash *id);
void replica_clients_tick(struct replica *replica);
uint64_t replica_clients_deadline(const struct replica *replica);

#endif
