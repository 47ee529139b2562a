/*
 * replica_prune: votes and notarizations that serve nobody any more: those VIEWS_KEPT views behind
 * the final one, and by then those of all earlier epochs. Nullifications and finalizations stay for
 * ever (docs/consensus.md, Memory).
 *
 * All of them goes up to a view that is remembered in meta as "pruned". A commit may leave many
 * views behind, after a long outage 100,000, so a commit looks at a bounded number of rows, far
 * more than the commits of a running network add: what is due shrinks until nothing is.
 */
#include <string.h>

#include "node/replica_state.h"

/* Whoever is fewer views behind may still ask for them: views behind the final one whose votes and
 * notarizations stay. */
#define VIEWS_KEPT 1024
/* Rows of one table that are looked at in one commit. A view adds at most three to each. */
#define ROWS_A_COMMIT 256

static const char meta_name[] = "pruned";
#define META_NAME_BYTES (sizeof meta_name - 1)

/* Looks at the rows of a table from its cursor up to end; those of certificates that are no
   notarizations stay. */
static void prune_table(struct replica *replica, enum store_table table,
                        uint8_t cursor[KEY_VIEW_BYTES], const uint8_t end[KEY_VIEW_BYTES])
{
    struct span key, value;
    for (uint32_t i = 0; i < ROWS_A_COMMIT; i++) {
        if (!replica->io.seek(replica->io.context, table, cursor, KEY_VIEW_BYTES, &key, &value) ||
            key.length != KEY_VIEW_BYTES || memcmp(key.data, end, KEY_VIEW_BYTES) >= 0) {
            memcpy(cursor, end, KEY_VIEW_BYTES);
            return;
        }
        memcpy(cursor, key.data, KEY_VIEW_BYTES);
        if (table == STORE_VOTES || cursor[KEY_VIEW_BYTES - 1] == VOTE_NOTARIZE) {
            replica->io.del(replica->io.context, table, cursor, KEY_VIEW_BYTES);
        }
        cursor[KEY_VIEW_BYTES - 1]++; /* kinds are small: the next key at the earliest */
    }
}

void replica_prune(struct replica *replica)
{
    uint8_t end[KEY_VIEW_BYTES], cursors[2 * KEY_VIEW_BYTES] = {0};
    struct span value;
    if (replica->final.view <= VIEWS_KEPT) {
        return;
    }
    key_view(replica->final.epoch, replica->final.view - VIEWS_KEPT + 1, VOTE_NOTARIZE, end);
    if (replica->io.get(replica->io.context, STORE_META, meta_name, META_NAME_BYTES, &value) &&
        value.length == sizeof cursors) {
        memcpy(cursors, value.data, sizeof cursors);
    }
    uint8_t *const votes = cursors, *const certificates = cursors + KEY_VIEW_BYTES;
    if (memcmp(votes, end, KEY_VIEW_BYTES) >= 0 && memcmp(certificates, end, KEY_VIEW_BYTES) >= 0) {
        return;
    }
    prune_table(replica, STORE_VOTES, votes, end);
    prune_table(replica, STORE_CERTIFICATES, certificates, end);
    replica->io.put(replica->io.context, STORE_META, meta_name, META_NAME_BYTES, cursors,
                    sizeof cursors);
}
