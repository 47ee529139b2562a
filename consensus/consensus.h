/*
 * consensus: the one interface of the pure consensus machine: Simplex with one open height
 * (docs/consensus.md).
 *
 *            events                                   effects
 *   frames ───────────►  ┌──────────────────┐  ───────────►  persist, sign register, send,
 *   timer  ───────────►  │  consensus_step  │  ───────────►  check block, build block,
 *   block checked ────►  └──────────────────┘  ───────────►  commit block, fetch, alarm, halt
 *
 * It orders opaque blocks; the shell (node/replica) gives them bytes and asks the ledger what they
 * mean. It touches no socket, file, clock or allocator: time is in the event, everything to do is
 * in the effects, consensus_next_deadline is the only timer.
 *
 * Effects must be carried out in list order; what is persisted in one pass of the shell becomes
 * durable (LMDB commit, then the register) before anything of that pass is sent. CHECK_BLOCK,
 * BUILD_BLOCK may be answered at once (the next event) or later. Pointers inside effects are valid
 * until the next call on the same machine.
 */
#ifndef HEFU_CONSENSUS_CONSENSUS_H
#define HEFU_CONSENSUS_CONSENSUS_H

#include <stddef.h>

#include "consensus/message.h"
#include "consensus/validators.h"

/* The shell's signing key and verifier. Both must be deterministic functions of their arguments. */
struct consensus_crypto {
    void *context;
    void (*sign)(void *context, const uint8_t preimage[VOTE_PREIMAGE_BYTES],
                 struct signature *ret_signature);
    bool (*verify)(void *context, const struct public_key *key,
                   const uint8_t preimage[VOTE_PREIMAGE_BYTES], const struct signature *signature);
};

#define CONSENSUS_OBSERVER UINT32_MAX /* own index of a node that never votes */

struct consensus_config {
    struct hash chain_id;
    uint64_t epoch;
    const struct validator_set *validators; /* outlives the machine */
    uint32_t own_index;                     /* or CONSENSUS_OBSERVER */
    uint32_t delta_ms;                      /* Δ0; default 400 */
    uint32_t block_interval_ms;             /* default 0 */
    uint32_t empty_interval_ms;             /* default 30,000 */
    struct consensus_crypto crypto;
};

/* The vote register: what stands in the file beside the key (docs/consensus.md, State). */
struct vote_register {
    struct hash chain_id;
    uint64_t epoch;
    uint64_t view;        /* highest view signed in */
    uint64_t floor_epoch; /* sign nothing at or below (floor_epoch, floor_view) */
    uint64_t floor_view;
    bool behind;        /* a peer showed a vote of ours beyond it: sign nothing until rejoining */
    bool rejoining;     /* what was signed is not known: sign nothing until a floor is set */
    bool floor_pending; /* votes of ours in the floor's next epoch cannot be ruled out yet */
    bool voted[3];      /* by kind - 1: the votes cast in that view */
    struct vote votes[3];
};

/* What a restart finds in storage. Arrays are borrowed during consensus_restore only. */
/* A block that became final in a view of the epoch; view 0: the epoch's root. */
struct remembered_final {
    uint64_t view;
    struct hash hash;
};
/* How many final blocks before F a machine remembers, to notice certificates that contradict them.
 */
#define CONSENSUS_FINALS_MAX 255

struct consensus_recovery {
    struct consensus_block final_block;     /* F: the epoch's root or the last final block */
    uint64_t final_view;                    /* 0 at the epoch's root */
    const struct certificate *finalization; /* of F; NULL at the root */
    const struct remembered_final *finals;  /* of this epoch, before F, ascending views */
    uint32_t final_count;                   /* at most CONSENSUS_FINALS_MAX */
    const struct vote *votes;               /* own votes, any order, of views > final_view */
    uint32_t vote_count;
    const struct certificate *const *certificates; /* of views > final_view, any order */
    uint32_t certificate_count;
    const struct consensus_block *open_blocks; /* durable with all their batches */
    uint32_t open_block_count;
    const struct vote_register *vote_register; /* NULL for an observer */
};

enum block_check {
    BLOCK_AGREES,      /* durable with all batches, executed, every root equal: may be voted for */
    BLOCK_INVALID,     /* a listed deterministic check fails, or a root differs: NULLIFY, alarm */
    BLOCK_UNAVAILABLE, /* given up for now (bytes cannot be had); may be asked again */
};

enum event_kind {
    EVENT_TICK, /* only time has passed; to be sent when all that was queued has been handled,
                   because timeouts fire on it alone */
    EVENT_VOTE, /* vote, from peer */
    EVENT_CERTIFICATE, /* certificate, from peer (or from a CertificateResponse) */
    EVENT_PROPOSAL,    /* proposal, over the link of peer */
    EVENT_STATUS,      /* peer_status, from peer */
    EVENT_PEER_UP,     /* peer: an authenticated link to this validator is up */
    EVENT_PEER_DOWN,
    EVENT_BLOCK_CHECKED, /* checked: the answer to CHECK_BLOCK; INVALID only for a child of F */
    EVENT_BLOCK_BUILT,   /* view, block (durable, executed, batches pinned); or built = false */
    EVENT_CATCHUP_BLOCK, /* block and its finalization from a BlockResponse; the shell holds the
                            header and ids in memory, nothing is stored yet */
    EVENT_WORK,          /* has_work: a pooled batch may be named, or a ledger time is due */
};

struct event {
    enum event_kind kind;
    uint64_t now_ms;       /* wall clock, for header times; may jump */
    uint64_t monotonic_ms; /* for every timer; never goes back */
    uint32_t peer;         /* validator index; of certificates and catch-up blocks anything else
                              too: they are verified, whoever brings them */
    union {
        const struct vote *vote;
        const struct certificate *certificate;
        const struct proposal *proposal;
        const struct peer_status *status;
        struct {
            struct hash hash;
            enum block_check check;
            struct consensus_block block; /* the header's fields where it is held (always if
                                             AGREES); else all zero */
        } checked;
        struct {
            uint64_t view;
            bool built; /* false: nothing to propose; counts as EVENT_WORK(false), so the shell
                           tells of any work from then on anew */
            struct consensus_block block;
        } built;
        struct {
            struct consensus_block block;
            const struct certificate *finalization;
        } catchup;
        bool has_work;
    };
};

enum effect_kind {
    EFFECT_PERSIST_VOTE,         /* vote: own, into the votes table */
    EFFECT_PERSIST_CERTIFICATE,  /* certificate */
    EFFECT_PERSIST_BLOCK,        /* block_hash: into open_blocks, if it is not there already */
    EFFECT_WRITE_REGISTER,       /* vote_register; the last of a pass wins, after the commit */
    EFFECT_SEND_VOTE,            /* vote, to peer or CONSENSUS_ALL */
    EFFECT_SEND_CERTIFICATE,     /* certificate, to peer or CONSENSUS_ALL */
    EFFECT_SEND_PROPOSAL,        /* proposal to peer; the shell adds header and ids if has_block */
    EFFECT_SEND_STATUS,          /* status, to peer */
    EFFECT_REQUEST_CERTIFICATES, /* to peer: views from_view .. to_view */
    EFFECT_REQUEST_BLOCKS,       /* to peer: final blocks from_height on */
    EFFECT_CHECK_BLOCK,          /* block_hash, peer as the first to ask for what is missing
                                    (CONSENSUS_ALL: nobody in particular) */
    EFFECT_BUILD_BLOCK,          /* child of F for view; timestamp at least min_timestamp_ms */
    EFFECT_COMMIT,   /* block_hash with its finalization: apply, move F. The block has been
                        CHECKed and AGREES, or the shell must still check it (restart) */
    EFFECT_EVIDENCE, /* evidence: store first, then share */
    EFFECT_CONFLICT, /* conflict: two certificates that cannot both be; store both, HALT follows */
    EFFECT_ALARM,    /* alarm, for the log, the status and metrics */
    EFFECT_HALT,     /* alarm: store what is pending, sign nothing more, serve reads only */
};

#define CONSENSUS_ALL UINT32_MAX

enum alarm {
    ALARM_SAFETY_CERTIFICATES =
        1,                  /* two certificates that cannot both be: more than f are faulty */
    ALARM_SAFETY_CHAIN,     /* a finalized chain that does not contain F */
    ALARM_DIVERGED,         /* own execution differs from a notarized or final block */
    ALARM_INVALID_PROPOSAL, /* the leader's block fails a check */
    ALARM_REGISTER_BEHIND,  /* a peer shows a signature of ours beyond the register */
    ALARM_EVIDENCE,         /* a validator signed two conflicting votes */
};

struct effect {
    enum effect_kind kind;
    uint32_t peer;
    union {
        const struct vote *vote;
        const struct certificate *certificate;
        const struct proposal *proposal; /* has_block: shell appends header and ids of block.hash */
        const struct peer_status *status;
        const struct vote_register *vote_register;
        struct hash block_hash; /* PERSIST_BLOCK, CHECK_BLOCK */
        struct {
            uint64_t from_view, to_view;
        } certificates;
        uint64_t from_height;
        struct {
            uint64_t view;
            struct hash parent_hash;
            uint64_t parent_height;
            uint64_t min_timestamp_ms;
            uint64_t max_timestamp_ms;
            bool empty; /* the empty interval is over: build even if there is nothing to name */
        } build;
        struct {
            struct hash block_hash;
            const struct certificate *finalization;
        } commit;
        const struct evidence *evidence;
        struct {
            const struct certificate *first; /* NULL: storage has it, under its own key */
            const struct certificate *second;
        } conflict;
        enum alarm alarm;
    };
};

/* The effects of one step. Bounded: consensus CHECKs that it never needs more. */
#define CONSENSUS_EFFECTS_MAX 4096
struct effects {
    uint32_t count;
    struct effect list[CONSENSUS_EFFECTS_MAX];
};

struct consensus;

/* Bytes of memory that a machine of this many validators needs (alignment 16). */
size_t consensus_footprint(uint32_t validator_count);

/* Makes a machine in memory of consensus_footprint bytes, at a known state. It does nothing until
   consensus_restore. */
struct consensus *consensus_init(void *memory, const struct consensus_config *config);

/* Takes over what storage holds: view = 1 + max(F.view, highest certificate); own stored votes,
   merged with the register's, go back into the pools and are re-sent. Returns CORRUPT if the
   register belongs to another chain; effects are to be carried out as after a step.
 */
enum status consensus_restore(struct consensus *consensus,
                              const struct consensus_recovery *recovery, uint64_t now_ms,
                              uint64_t monotonic_ms, struct effects *ret_effects) MUST_USE;

/* One step. ret_effects is overwritten. */
void consensus_step(struct consensus *consensus, const struct event *event,
                    struct effects *ret_effects);

/* The monotonic time at which EVENT_TICK is due; UINT64_MAX if no timer is armed. */
uint64_t consensus_next_deadline(const struct consensus *consensus);

/* For status and metrics. */
struct consensus_view {
    uint64_t epoch, view, final_height, final_view;
    struct hash final_hash;
    uint32_t leader;
    uint32_t delta_ms;             /* current Δ */
    bool halted, may_sign;         /* may_sign: false until Status was heard from q-1 others */
    bool rejoining, floor_pending; /* docs/consensus.md, Rejoin */
    uint64_t floor_epoch, floor_view;
    uint64_t register_epoch, register_view; /* where the vote register stands */
    uint32_t missing;                       /* validators not heard of for 5 s, without this one */
    uint64_t timeouts, nullifications, reproposals, evidence_count;
    uint64_t blocks_committed;
};
void consensus_inspect(const struct consensus *consensus, struct consensus_view *ret_view);

/* Why this node's timer gave a view up. */
enum timeout_reason {
    TIMEOUT_SILENT,        /* the leader has not been heard of for 5 s: it got no time */
    TIMEOUT_NO_PROPOSAL,   /* no proposal came */
    TIMEOUT_BYTES_MISSING, /* a proposal came, but not all that it rests on: block, batches,
                              certificates; or it was not checked in time */
    TIMEOUT_NOT_NOTARIZED, /* this node voted, but too few votes came */
};
#define TIMEOUT_REASONS 4
/* "silent", "no_proposal", "bytes_missing", "not_notarized". Static. */
const char *timeout_reason_name(enum timeout_reason reason);

/* How many blocks took how long; bucket i counts those of at most finality_bounds_ms[i], the last
   one the rest. */
#define FINALITY_BUCKETS 12
extern const uint32_t finality_bounds_ms[FINALITY_BUCKETS - 1];

/* What a machine counted since its restore: since the start of the process, or of the epoch. */
struct consensus_metrics {
    uint64_t timeouts[LIMIT_VALIDATORS][TIMEOUT_REASONS]; /* by the view's leader */
    /* From the first sight of a block's proposal, or from asking for it to be built, until it is
       committed here. Blocks that came by catch-up alone are not counted. */
    uint64_t finality[FINALITY_BUCKETS];
    uint64_t finality_count, finality_sum_ms;
};
/* Borrowed; valid as long as the machine. */
const struct consensus_metrics *consensus_metrics(const struct consensus *consensus);

/* What a validator last said of itself, which is a hint, and how long ago it was last heard of. */
struct consensus_peer {
    uint64_t view, final_height;
    uint64_t silent_ms;
    bool missing; /* not heard of for 5 s */
};
struct consensus_peer consensus_peer(const struct consensus *consensus, uint32_t validator);

#endif
