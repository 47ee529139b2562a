/* action_keys: the keys that an action brings (see action_keys.h). */
#include "node/action_keys.h"

#include "ledger/action.h"
#include "node/keys.h"

enum status action_keys_check(struct span body)
{
    struct action action;
    if (action_decode(body, &action) != STATUS_OK || action.kind != ACTION_VALIDATORS) {
        return STATUS_OK;
    }
    for (uint32_t i = 0; i < action.change_count; i++) {
        const struct action_change *change = &action.changes[i];
        if (change->op != CHANGE_REMOVE && (!key_public_is_valid(&change->key) ||
                                            !key_transport_is_valid(&change->transport_key))) {
            return STATUS_BAD_KEY;
        }
    }
    return STATUS_OK;
}
