/*
 * register: two slots, the newer one is never written over (see register.h). A slot's layout
 * (docs/formats.md, Vote register), zero up to its checksum, which is H("hefu.checksum") of all
 * before it:
 *
 *     offset  bytes
 *     0       8      "HEFUREG" and a zero
 *     8       4      version, 1
 *     12      4      flags: 1 bound to a chain, 2 behind, 4 rejoining, 8 floor pending
 *     16      8      sequence
 *     24      32     owner: the public key that it stands beside
 *     56      32     chain_id
 *     88      32     epoch, view, floor epoch, floor view
 *     120     8      mask: bit k-1, a vote of kind k was cast in that view
 *     128     3*128  the votes, as rows of the votes table; zero if not cast
 *     4064    32     checksum
 */
#include "node/register.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"
#include "node/file.h"
#include "node/rows.h"

#define MAGIC "HEFUREG"
#define VERSION 1
#define FLAG_BOUND 1u
#define FLAG_BEHIND 2u
#define FLAG_REJOINING 4u
#define FLAG_FLOOR_PENDING 8u
#define FLAGS_KNOWN (FLAG_BOUND | FLAG_BEHIND | FLAG_REJOINING | FLAG_FLOOR_PENDING)
#define ASIDE_MAX 99
#define KINDS 3
#define CHECKSUM_AT (REGISTER_SLOT_BYTES - HASH_BYTES)

struct slot {
    bool bound;
    uint64_t sequence;
    struct public_key owner;
    struct vote_register content;
};

struct register_file {
    int fd;
    bool damage;
    struct slot slot; /* the newest */
};

/* The end of every sentence that refuses a register. */
#define WHY_NOT                                                                                    \
    "so what this key has signed is not known: this key must not vote. Do not restore the file "   \
    "from a backup. If no other process uses the key, start once with hefud --rejoin: the node "   \
    "then follows, and votes again only above everything that the key may have signed; with a "    \
    "second process on the key it would sign against itself, see docs/operations.md, Rejoining"

static uint32_t flags_of(const struct slot *slot)
{
    return (slot->bound ? FLAG_BOUND : 0) | (slot->content.behind ? FLAG_BEHIND : 0) |
           (slot->content.rejoining ? FLAG_REJOINING : 0) |
           (slot->content.floor_pending ? FLAG_FLOOR_PENDING : 0);
}

static void slot_encode(const struct slot *slot, uint8_t ret_bytes[REGISTER_SLOT_BYTES])
{
    const struct vote_register *content = &slot->content;
    memset(ret_bytes, 0, REGISTER_SLOT_BYTES);
    struct writer writer = writer_over(ret_bytes, CHECKSUM_AT);
    writer_copy(&writer, MAGIC, sizeof MAGIC);
    writer_u32(&writer, VERSION);
    writer_u32(&writer, flags_of(slot));
    writer_u64(&writer, slot->sequence);
    writer_copy(&writer, slot->owner.bytes, sizeof slot->owner.bytes);
    writer_copy(&writer, content->chain_id.bytes, HASH_BYTES);
    writer_u64(&writer, content->epoch);
    writer_u64(&writer, content->view);
    writer_u64(&writer, content->floor_epoch);
    writer_u64(&writer, content->floor_view);
    uint64_t mask = 0;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        mask |= content->voted[kind] ? 1ull << kind : 0;
    }
    writer_u64(&writer, mask);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        uint8_t *row = writer_claim(&writer, ROW_VOTE_BYTES);
        CHECK(row != NULL);
        if (content->voted[kind]) {
            row_vote_encode(&content->votes[kind], row);
        }
    }
    struct hash checksum = hash_of(&PURPOSE_CHECKSUM, ret_bytes, CHECKSUM_AT);
    memcpy(ret_bytes + CHECKSUM_AT, checksum.bytes, HASH_BYTES);
}

static enum status votes_decode(struct reader *reader, uint64_t mask,
                                struct vote_register *ret_content)
{
    if (mask >> KINDS != 0) {
        return STATUS_CORRUPT;
    }
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct span row = {.data = reader_take(reader, ROW_VOTE_BYTES), .length = ROW_VOTE_BYTES};
        ret_content->voted[kind] = (mask >> kind & 1) != 0;
        if (row.data == NULL) {
            return STATUS_CORRUPT;
        }
        if (!ret_content->voted[kind]) {
            if (!bytes_are_zero(row.data, row.length)) {
                return STATUS_CORRUPT; /* no encoder made it: what was voted is not known */
            }
            continue;
        }
        struct vote *vote = &ret_content->votes[kind];
        if (row_vote_decode(row, vote) != STATUS_OK || (unsigned)vote->kind != kind + 1 ||
            vote->epoch != ret_content->epoch || vote->view != ret_content->view) {
            return STATUS_CORRUPT;
        }
    }
    return STATUS_OK;
}

/* CORRUPT, or VERSION of a slot whose checksum is right. */
static enum status slot_decode(const uint8_t bytes[REGISTER_SLOT_BYTES], struct slot *ret_slot)
{
    struct hash checksum = hash_of(&PURPOSE_CHECKSUM, bytes, CHECKSUM_AT);
    if (memcmp(checksum.bytes, bytes + CHECKSUM_AT, HASH_BYTES) != 0 ||
        memcmp(bytes, MAGIC, sizeof MAGIC) != 0) {
        return STATUS_CORRUPT;
    }
    struct reader reader = reader_over(bytes + sizeof MAGIC, CHECKSUM_AT - sizeof MAGIC);
    if (reader_u32(&reader) != VERSION) {
        return STATUS_VERSION;
    }
    struct slot slot;
    memset(&slot, 0, sizeof slot);
    const uint32_t flags = reader_u32(&reader);
    if ((flags & ~FLAGS_KNOWN) != 0) {
        return STATUS_VERSION;
    }
    slot.bound = (flags & FLAG_BOUND) != 0;
    slot.content.behind = (flags & FLAG_BEHIND) != 0;
    slot.content.rejoining = (flags & FLAG_REJOINING) != 0;
    slot.content.floor_pending = (flags & FLAG_FLOOR_PENDING) != 0;
    slot.sequence = reader_u64(&reader);
    reader_copy(&reader, slot.owner.bytes, sizeof slot.owner.bytes);
    reader_copy(&reader, slot.content.chain_id.bytes, HASH_BYTES);
    slot.content.epoch = reader_u64(&reader);
    slot.content.view = reader_u64(&reader);
    slot.content.floor_epoch = reader_u64(&reader);
    slot.content.floor_view = reader_u64(&reader);
    uint64_t mask = reader_u64(&reader);
    if (votes_decode(&reader, mask, &slot.content) != STATUS_OK ||
        !bytes_are_zero(reader.next, reader.left)) {
        return STATUS_CORRUPT;
    }
    *ret_slot = slot;
    return STATUS_OK;
}

static enum status create(const char *path, struct slot slot, char *ret_error, size_t capacity)
{
    uint8_t bytes[REGISTER_FILE_BYTES];
    for (slot.sequence = 0; slot.sequence < 2; slot.sequence++) {
        slot_encode(&slot, bytes + slot.sequence * REGISTER_SLOT_BYTES);
    }
    return file_write(path, S_IRUSR | S_IWUSR, false, bytes, sizeof bytes, ret_error, capacity);
}

enum status register_create(const char *path, const struct public_key *owner, char *ret_error,
                            size_t capacity)
{
    struct slot slot;
    memset(&slot, 0, sizeof slot);
    slot.owner = *owner;
    enum status status = create(path, slot, ret_error, capacity);
    if (status == STATUS_EXISTS) {
        return error_set(status, ret_error, capacity,
                         "%s: there is a vote register already; a key keeps its register for life, "
                         "so it is not replaced",
                         path);
    }
    return status;
}

/* ---- Opening ---- */

static enum status read_slots(struct register_file *file, const char *path, char *ret_error,
                              size_t capacity)
{
    uint8_t bytes[REGISTER_FILE_BYTES + 1];
    struct slot slots[2];
    enum status outcome[2];
    ssize_t got = pread(file->fd, bytes, sizeof bytes, 0);
    if (got < 0) {
        int error = errno;
        return error_set(STATUS_IO, ret_error, capacity, "%s: cannot be read: %s", path,
                         strerror(error));
    }
    /* No crash changes the file's size: a slot that is missing may have been the newest. */
    if (got != REGISTER_FILE_BYTES) {
        return error_set(STATUS_CORRUPT, ret_error, capacity,
                         "%s: the vote register is damaged (not %d bytes long), " WHY_NOT, path,
                         REGISTER_FILE_BYTES);
    }
    for (unsigned i = 0; i < 2; i++) {
        outcome[i] = slot_decode(bytes + i * REGISTER_SLOT_BYTES, &slots[i]);
        if (outcome[i] == STATUS_OK && slots[i].sequence % 2 != i) {
            outcome[i] = STATUS_CORRUPT;
        }
    }
    if (outcome[0] == STATUS_VERSION || outcome[1] == STATUS_VERSION) {
        return error_set(STATUS_VERSION, ret_error, capacity,
                         "%s: the vote register was written by another version of this program",
                         path);
    }
    if (outcome[0] != STATUS_OK && outcome[1] != STATUS_OK) {
        return error_set(STATUS_CORRUPT, ret_error, capacity,
                         "%s: the vote register is damaged, " WHY_NOT, path);
    }
    file->damage = outcome[0] != STATUS_OK || outcome[1] != STATUS_OK;
    unsigned newest = outcome[0] != STATUS_OK                 ? 1
                      : outcome[1] != STATUS_OK               ? 0
                      : slots[1].sequence > slots[0].sequence ? 1
                                                              : 0;
    file->slot = slots[newest];
    return STATUS_OK;
}

static enum status open_locked(struct register_file *file, const char *path,
                               const struct public_key *owner, char *ret_error, size_t capacity)
{
    file->fd = open(path, O_RDWR | O_DSYNC | O_CLOEXEC | O_NOFOLLOW);
    if (file->fd < 0 && errno == ENOENT) {
        return error_set(STATUS_NOT_FOUND, ret_error, capacity,
                         "%s: the vote register is missing, " WHY_NOT
                         " (hefu key new makes a register with a new key)",
                         path);
    }
    if (file->fd < 0) {
        int error = errno;
        return error_set(status_from_errno(error), ret_error, capacity, "%s: cannot be opened: %s",
                         path, strerror(error));
    }
    if (flock(file->fd, LOCK_EX | LOCK_NB) != 0) {
        return error_set(STATUS_LOCKED, ret_error, capacity,
                         "%s: another process uses this key; two would sign against each other, "
                         "so stop it first",
                         path);
    }
    enum status status = read_slots(file, path, ret_error, capacity);
    if (status == STATUS_OK && memcmp(&file->slot.owner, owner, sizeof *owner) != 0) {
        char hex[2 * sizeof owner->bytes + 1];
        bytes_to_hex(file->slot.owner.bytes, sizeof file->slot.owner.bytes, hex);
        return error_set(STATUS_BAD_KEY, ret_error, capacity,
                         "%s: this register belongs to another key, %s", path, hex);
    }
    return status;
}

enum status register_open(const char *path, const struct public_key *owner,
                          struct register_file **ret_file, char *ret_error, size_t capacity)
{
    struct register_file *file = calloc(1, sizeof *file);
    if (file == NULL) {
        return error_set(STATUS_NO_MEMORY, ret_error, capacity, "%s: no memory", path);
    }
    enum status status = open_locked(file, path, owner, ret_error, capacity);
    if (status != STATUS_OK) {
        register_close(file);
        return status;
    }
    *ret_file = file;
    return STATUS_OK;
}

/* ---- Rejoining ---- */

/* Gives the file another name beside it, which no start reads. The lock goes with it. */
static enum status set_aside(const char *path, char *ret_error, size_t capacity)
{
    char aside[4096];
    for (unsigned i = 1; i <= ASIDE_MAX; i++) {
        if (snprintf(aside, sizeof aside, "%s.aside-%u", path, i) >= (int)sizeof aside) {
            return error_set(STATUS_OVERSIZED, ret_error, capacity, "%s: the path is too long",
                             path);
        }
        if (link(path, aside) == 0) {
            if (unlink(path) == 0 && file_sync_folder(path) == STATUS_OK) {
                return STATUS_OK;
            }
            break;
        }
        if (errno != EEXIST) {
            break;
        }
    }
    int error = errno;
    return error_set(status_from_errno(error), ret_error, capacity, "%s: cannot be set aside: %s",
                     path, strerror(error));
}

/* In place of what is missing, damaged or another chain's. It says from its first byte on that it
   rejoins: no start in between can take it for a fresh key's. */
static enum status make_rejoining(struct register_file *file, const char *path,
                                  const struct public_key *owner, const struct hash *chain_id,
                                  char *ret_error, size_t capacity)
{
    struct slot slot;
    memset(&slot, 0, sizeof slot);
    slot.bound = true;
    slot.owner = *owner;
    slot.content.chain_id = *chain_id;
    slot.content.rejoining = true;
    enum status status = create(path, slot, ret_error, capacity);
    return status == STATUS_OK ? open_locked(file, path, owner, ret_error, capacity) : status;
}

static enum status replace(struct register_file *file, const char *path,
                           const struct public_key *owner, const struct hash *chain_id,
                           char *ret_error, size_t capacity)
{
    const int old = file->fd;
    enum status status = set_aside(path, ret_error, capacity);
    if (status == STATUS_OK) {
        status = make_rejoining(file, path, owner, chain_id, ret_error, capacity);
    }
    if (old != file->fd) {
        (void)close(old);
    }
    return status;
}

static enum status write_slot(struct register_file *file, const struct slot *slot);

static enum status mark_rejoining(struct register_file *file, const char *path,
                                  const struct hash *chain_id, char *ret_error, size_t capacity)
{
    struct slot slot = file->slot;
    slot.bound = true;
    slot.sequence++;
    slot.content.chain_id = *chain_id;
    slot.content.rejoining = true;
    slot.content.behind = false;
    enum status status = write_slot(file, &slot);
    if (status != STATUS_OK) {
        return error_set(status, ret_error, capacity, "%s: cannot be written: %s", path,
                         status_text(status));
    }
    return status;
}

static enum status open_rejoining(struct register_file *file, const char *path,
                                  const struct public_key *owner, const struct hash *chain_id,
                                  char *ret_error, size_t capacity)
{
    enum status status = open_locked(file, path, owner, ret_error, capacity);
    if (status == STATUS_NOT_FOUND) {
        return make_rejoining(file, path, owner, chain_id, ret_error, capacity);
    }
    if (status == STATUS_CORRUPT) {
        return replace(file, path, owner, chain_id, ret_error, capacity);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (file->slot.bound && !hash_equal(&file->slot.content.chain_id, chain_id)) {
        return replace(file, path, owner, chain_id, ret_error, capacity);
    }
    return mark_rejoining(file, path, chain_id, ret_error, capacity);
}

enum status register_open_rejoining(const char *path, const struct public_key *owner,
                                    const struct hash *chain_id, struct register_file **ret_file,
                                    char *ret_error, size_t capacity)
{
    struct register_file *file = calloc(1, sizeof *file);
    if (file == NULL) {
        return error_set(STATUS_NO_MEMORY, ret_error, capacity, "%s: no memory", path);
    }
    enum status status = open_rejoining(file, path, owner, chain_id, ret_error, capacity);
    if (status != STATUS_OK) {
        register_close(file);
        return status;
    }
    *ret_file = file;
    return STATUS_OK;
}

enum status register_may_start(const struct register_file *file, const char *path, char *ret_error,
                               size_t capacity)
{
    const struct vote_register *content = &file->slot.content;
    if (!content->behind || content->rejoining) {
        return STATUS_OK;
    }
    return error_set(STATUS_DENIED, ret_error, capacity,
                     "%s: a peer has shown a vote of this key that the vote register does not have "
                     "(an old copy was restored, or another process uses the key), " WHY_NOT,
                     path);
}

void register_close(struct register_file *file)
{
    if (file == NULL) {
        return;
    }
    if (file->fd >= 0) {
        (void)close(file->fd); /* which unlocks */
    }
    free(file);
}

bool register_had_damage(const struct register_file *file)
{
    return file->damage;
}

bool register_is_bound(const struct register_file *file)
{
    return file->slot.bound;
}

const struct vote_register *register_current(const struct register_file *file)
{
    return &file->slot.content;
}

/* ---- Writing ---- */

static enum status write_slot(struct register_file *file, const struct slot *slot)
{
    _Alignas(REGISTER_SLOT_BYTES) uint8_t bytes[REGISTER_SLOT_BYTES];
    slot_encode(slot, bytes);
    off_t at = (off_t)(slot->sequence % 2 * REGISTER_SLOT_BYTES);
    ssize_t put = pwrite(file->fd, bytes, sizeof bytes, at);
    if (put != (ssize_t)sizeof bytes) {
        /* Not tried again: after a failed sync the page cache may hold what the disk does not. */
        return put < 0 ? status_from_errno(errno) : STATUS_NO_SPACE;
    }
    file->slot = *slot;
    return STATUS_OK;
}

enum status register_bind(struct register_file *file, const struct hash *chain_id, uint64_t epoch,
                          char *ret_error, size_t capacity)
{
    if (file->slot.bound) {
        if (hash_equal(&file->slot.content.chain_id, chain_id)) {
            return STATUS_OK;
        }
        char hex[2 * HASH_BYTES + 1];
        bytes_to_hex(file->slot.content.chain_id.bytes, HASH_BYTES, hex);
        return error_set(STATUS_WRONG_CHAIN, ret_error, capacity,
                         "the vote register belongs to the chain %s, not to this genesis.json: "
                         "use the genesis.json of that chain, or a new key for this one. If this "
                         "key has voted on this chain and its register is lost: " WHY_NOT,
                         hex);
    }
    struct slot slot = file->slot;
    slot.bound = true;
    slot.sequence++;
    slot.content.chain_id = *chain_id;
    slot.content.epoch = epoch;
    enum status status = write_slot(file, &slot);
    if (status != STATUS_OK) {
        return error_set(status, ret_error, capacity,
                         "the vote register cannot be written (%s): nothing was signed; %s, then "
                         "start again",
                         status_text(status),
                         status == STATUS_NO_SPACE ? "free space on the disk" : "repair the disk");
    }
    return STATUS_OK;
}

static bool before(uint64_t epoch, uint64_t view, uint64_t other_epoch, uint64_t other_view)
{
    return epoch < other_epoch || (epoch == other_epoch && view < other_view);
}

enum status register_write(struct register_file *file, const struct vote_register *vote_register)
{
    const struct vote_register *current = &file->slot.content;
    CHECK(file->slot.bound);
    CHECK(hash_equal(&vote_register->chain_id, &current->chain_id));
    CHECK(!before(vote_register->epoch, vote_register->view, current->epoch, current->view));
    CHECK(!before(vote_register->floor_epoch, vote_register->floor_view, current->floor_epoch,
                  current->floor_view));
    struct slot slot = file->slot;
    slot.sequence++;
    slot.content = *vote_register;
    return write_slot(file, &slot);
}
