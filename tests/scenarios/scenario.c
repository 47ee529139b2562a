/* scenario: see scenario.h. */
#include "tests/scenarios/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct net_config scenario_config(uint32_t count, uint64_t seed)
{
    return (struct net_config){.count = count,
                               .seed = seed,
                               .byzantine = NET_NOBODY,
                               .delta_ms = 100,
                               .empty_interval_ms = 2000,
                               .delay_max_ms = 10};
}

uint64_t scenario_view(const struct net *net, uint32_t node)
{
    struct consensus_view view;
    consensus_inspect(net->nodes[node].consensus, &view);
    return view.view;
}

void scenario_goes_on(struct net *net, uint64_t heights, const char *what)
{
    net_heal(net);
    const uint64_t target = net->finals.count + heights;
    if (!net_run_to_height(net, target, net->now_ms + 5 * MINUTE_MS)) {
        fail_msg("%s, seed %llu: height %llu of %llu at %llu ms; %s", what,
                 (unsigned long long)net->config.seed, (unsigned long long)net_lowest_height(net),
                 (unsigned long long)target, (unsigned long long)net->now_ms,
                 net->violation[0] == '\0' ? "no progress after healing (I15)" : net->violation);
    }
}

void scenario_end(struct net *net, const char *what)
{
    if (net->violation[0] != '\0') {
        fail_msg("%s, seed %llu: %s", what, (unsigned long long)net->config.seed, net->violation);
    }
    net_free(net);
}

uint64_t scenario_view_of(const struct effect *effect)
{
    if (effect->kind == EFFECT_SEND_VOTE) {
        return effect->vote->view;
    }
    if (effect->kind == EFFECT_SEND_CERTIFICATE) {
        return effect->certificate->view;
    }
    if (effect->kind == EFFECT_SEND_PROPOSAL) {
        return effect->proposal->vote.view;
    }
    return effect->kind == EFFECT_SEND_STATUS ? effect->status->view : 0;
}

uint64_t scenario_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}
