/* genesis_root: see genesis_root.h. */
#include "cli/genesis_root.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cli/check.h"
#include "cli/sets.h"
#include "node/config.h"
#include "node/epochs.h"
#include "node/file.h"

int genesis_root_hold(const char *home_path, int *ret_file)
{
    char path[CONFIG_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/chain/writer.lock", home_path);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0 && flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        complain("%s: a node runs on this home: stop it first", home_path);
        (void)close(file);
        return EXIT_USAGE;
    }
    *ret_file = file;
    return EXIT_CLEAN;
}

int genesis_root_read(struct home *home, struct genesis_root *ret_root)
{
    const struct block_row *block;
    const struct incarnation *incarnation =
        lineage_at_height(&home->documents.lineage, home->final.height);
    enum status status = chain_block(&home->chain, home->final.height, &block);
    if (status != STATUS_OK) {
        return home_failure(status, "block %" PRIu64, home->final.height);
    }
    if (incarnation != lineage_newest(&home->documents.lineage)) {
        complain("%s: its last block, %" PRIu64 ", is of incarnation %u, and genesis.json of "
                 "incarnation %u: start its node first, until it has entered",
                 home->path, home->final.height, incarnation->genesis->incarnation,
                 lineage_newest(&home->documents.lineage)->genesis->incarnation);
        return EXIT_USAGE;
    }
    const struct block_header header = block->header;
    const struct genesis_root root = {.height = header.height,
                                      .epoch = sets_epoch_after(&header),
                                      .time_ms = header.timestamp_ms,
                                      .total_records = header.total_records,
                                      .hash = block->hash};
    const char *wrong = sets_check_block(home, block);
    if (wrong != NULL) {
        complain("%s: block %" PRIu64 ": %s", home->path, root.height, wrong);
        return EXIT_INTEGRITY;
    }
    *ret_root = root;
    return EXIT_CLEAN;
}

enum status genesis_root_follow(const struct lineage *lineage, const struct genesis *genesis,
                                const struct hash *chain_id, char *ret_error, size_t capacity)
{
    struct lineage longer = *lineage;
    if (longer.count == LINEAGE_MAX) {
        return error_set(STATUS_MALFORMED, ret_error, capacity,
                         "there are %u incarnations already, which is the most there can be",
                         longer.count);
    }
    longer.incarnations[longer.count++] =
        (struct incarnation){.genesis = genesis, .chain_id = *chain_id};
    return lineage_check(&longer, ret_error, capacity);
}

/* Which of the document's validators has a key of this epoch's set; or validator_count. */
static uint32_t known_key(const struct genesis *genesis, const struct ledger_validator *members,
                          uint32_t count)
{
    for (uint32_t i = 0; i < genesis->validator_count; i++) {
        for (uint32_t k = 0; k < count; k++) {
            if (memcmp(&genesis->validators[i].key, &members[k].validator.key,
                       sizeof members[k].validator.key) == 0) {
                return i;
            }
        }
    }
    return genesis->validator_count;
}

enum status genesis_root_members(struct home *home, const struct genesis *genesis, char *ret_error,
                                 size_t capacity)
{
    for (uint32_t i = 0; i < genesis->validator_count; i++) {
        const uint32_t number = genesis->validators[i].participant;
        if (genesis_participant(&home->now, number) == NULL) {
            return error_set(STATUS_MALFORMED, ret_error, capacity,
                             "validators[%u]: participant %u is not registered at the root", i,
                             number);
        }
    }
    for (uint64_t epoch = 1; epoch <= genesis->root_epoch; epoch++) {
        struct ledger_validator members[LIMIT_VALIDATORS];
        uint32_t count;
        if (epochs_members(&home->chain, epoch, members, &count) != STATUS_OK) {
            return error_set(STATUS_CORRUPT, ret_error, capacity,
                             "the validators of epoch %" PRIu64 " cannot be read", epoch);
        }
        const uint32_t known = known_key(genesis, members, count);
        if (known < genesis->validator_count) {
            return error_set(STATUS_MALFORMED, ret_error, capacity,
                             "validators[%u]: this consensus key voted in epoch %" PRIu64
                             ": make a new one (hefu key new FILE --kind consensus)",
                             known, epoch);
        }
    }
    return STATUS_OK;
}
