/* action: `hefu action propose`, `approve` and `disapprove`: decisions about the network, signed
   with a profile's key (docs/ledger.md, Actions). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/action_file.h"
#include "cli/action_show.h"
#include "cli/home.h"
#include "cli/output.h"
#include "cli/sender.h"
#include "cli/verbs.h"
#include "ledger/verdict.h"

#define CONNECT_MS 5000
#define STATUS_MS 10000
#define GIVE_UP_S 120
#define ERROR_BYTES 512

/* What became of the one batch. */
struct sent {
    bool final;
    struct hash id;
    uint64_t height;
    uint16_t verdict;
};

static void done(void *context, const struct part *part, const struct receipt_facts *facts,
                 const uint16_t *verdicts)
{
    struct sent *sent = context;
    sent->id = part->id;
    sent->final = facts != NULL && verdicts != NULL;
    if (sent->final) {
        sent->height = facts->block.height;
        sent->verdict = verdicts[0];
    }
}

/* Signs, sends, and waits until the batch is final. */
static int send_action(const struct args *args, struct client *client, const struct action *action,
                       const struct action_body *body, struct sent *ret_sent)
{
    uint64_t give_up_s;
    if (args_number(args, "timeout", GIVE_UP_S, 86400, &give_up_s) != STATUS_OK) {
        return EXIT_USAGE;
    }
    struct sender *sender = calloc(1, sizeof *sender);
    CHECK(sender != NULL);
    sender_init(sender, client, give_up_s * 1000);
    sender->await_receipts = true;
    sender->done = done;
    sender->context = ret_sent;
    struct part *part = sender_slot(sender);
    struct writer writer = writer_over(part->bytes + BATCH_PREFIX_BYTES, BATCH_BODY_BYTES_MAX);
    if (body != NULL && body->length > 0) {
        writer_copy(&writer, body->bytes, body->length);
    } else {
        action_encode(action, &writer);
    }
    CHECK(!writer.failed);
    part->count = 1;
    part->body_length = writer.used;
    sender_put(sender, part);
    int code = EXIT_CLEAN;
    while (code == EXIT_CLEAN && sender_busy(sender) > 0) {
        code = sender_drive(sender);
    }
    if (code != EXIT_CLEAN) {
        complain("%s", sender->error);
    }
    sender_free(sender);
    free(sender);
    return code;
}

static int print_sent(const struct args *args, const struct action *action, const struct sent *sent)
{
    static const struct column columns[] = {{"batch", COLUMN_TEXT},  {"action", COLUMN_TEXT},
                                            {"kind", COLUMN_TEXT},   {"height", COLUMN_NUMBER},
                                            {"code", COLUMN_NUMBER}, {"verdict", COLUMN_TEXT},
                                            {"meaning", COLUMN_TEXT}};
    enum output_format format;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    bool accepted = verdict_is_accepted(sent->verdict);
    const char *name = verdict_name(sent->verdict), *sentence = verdict_sentence(sent->verdict);
    const bool proposed = action->kind == ACTION_VALIDATORS || action->kind > ACTION_READY;
    if (accepted) {
        sentence = proposed ? "the action is proposed; hefu action show tells who approved it"
                            : "the answer counts";
    }
    struct output *output = output_single(stdout, format, columns, 7);
    output_hash(output, &sent->id);
    output_hash(output, proposed ? &sent->id : &action->subject);
    output_text(output, action_kind_name(action->kind));
    output_number(output, sent->height);
    output_number(output, sent->verdict);
    output_text(output, name != NULL ? name : "?");
    output_text(output, sentence != NULL ? sentence : "a verdict that this program does not know");
    output_end(output);
    return accepted ? EXIT_CLEAN : EXIT_FINDINGS;
}

static int load_client(const struct args *args, struct client *ret_client)
{
    const char *folder = client_path(args);
    enum output_format format;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (folder == NULL) {
        complain("%s needs --client DIR, the profile whose key signs", args->verb->name);
        return EXIT_USAGE;
    }
    return client_load(folder, true, ret_client);
}

/* With a loaded client: connects, sends, prints. */
static int act(const struct args *args, struct client *client, const struct action *action,
               const struct action_body *body)
{
    struct sent sent = {.final = false};
    int code = EXIT_CLEAN;
    if (client->link == NULL) {
        enum status status = client_connect(client, CONNECT_MS);
        code = status == STATUS_OK ? EXIT_CLEAN : client_unreachable(client, status);
    }
    if (code == EXIT_CLEAN) {
        code = send_action(args, client, action, body, &sent);
    }
    if (code == EXIT_CLEAN) {
        CHECK(sent.final);
        code = print_sent(args, action, &sent);
    }
    return code;
}

/* The epoch that the node is in, for a file that does not say which one it changes. */
static int ask_epoch(struct client *client, uint64_t *ret_epoch)
{
    struct client_message question = {.kind = CLIENT_NODE_STATUS}, answer;
    enum status status = client_connect(client, CONNECT_MS);
    if (status == STATUS_OK) {
        status = client_ask(client, &question, STATUS_MS, &answer);
    }
    if (status != STATUS_OK) {
        return client_unreachable(client, status);
    }
    if (answer.kind != CLIENT_STATUS_REPORT) {
        complain("the node does not tell this profile its epoch: give \"epoch\" in the file, or "
                 "--home DIR");
        return EXIT_USAGE;
    }
    *ret_epoch = answer.status_report.epoch;
    return EXIT_CLEAN;
}

/* The set that votes now, of --home or HEFU_HOME. */
static int read_roster(const struct args *args, struct roster *ret_roster)
{
    struct home home;
    int code = home_open(args, &home);
    if (code == EXIT_CLEAN) {
        enum status status = action_read_roster(&home, ret_roster);
        if (status != STATUS_OK) {
            code = home_failure(status, "the validators");
        }
        home_close(&home);
    }
    return code;
}

static int run_propose(const struct args *args)
{
    struct client client;
    struct action action;
    struct roster *roster = NULL;
    struct action_body *body = calloc(1, sizeof *body);
    char error[ERROR_BYTES];
    CHECK(body != NULL);
    int code = load_client(args, &client);
    if (code != EXIT_CLEAN) {
        free(body);
        return code;
    }
    if (home_path(args) != NULL) {
        roster = calloc(1, sizeof *roster);
        CHECK(roster != NULL);
        code = read_roster(args, roster);
    }
    if (code == EXIT_CLEAN) {
        enum status status = action_file_read(args->operands[0], client.names, roster, &action,
                                              body, error, sizeof error);
        if (status != STATUS_OK) {
            complain("%s", error);
            code = EXIT_USAGE;
        }
    }
    if (code == EXIT_CLEAN && action.kind == ACTION_VALIDATORS && action.epoch == 0) {
        code = ask_epoch(&client, &action.epoch);
    }
    if (code == EXIT_CLEAN) {
        code = act(args, &client, &action, body);
    }
    free(roster);
    free(body);
    client_close(&client);
    return code;
}

static int run_answer(const struct args *args, enum action_kind kind)
{
    struct client client;
    struct action action;
    memset(&action, 0, sizeof action);
    action.kind = (uint16_t)kind;
    if (!action_id_parse(args->operands[0], &action.subject)) {
        return EXIT_USAGE;
    }
    int code = load_client(args, &client);
    if (code == EXIT_CLEAN) {
        code = act(args, &client, &action, NULL);
        client_close(&client);
    }
    return code;
}

static int run_approve(const struct args *args)
{
    return run_answer(args, ACTION_APPROVE);
}

static int run_disapprove(const struct args *args)
{
    return run_answer(args, ACTION_DISAPPROVE);
}

static const struct verb_option options[] = {
    {"timeout", "SECONDS", "give up when nothing goes forward for so long (120)"},
    {NULL, NULL, NULL},
};

const struct verb verb_action_propose = {
    .name = "action propose",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .uses = USES_CLIENT | USES_HOME | USES_FORMAT,
    .summary = "propose an action: validators, participants, rules, cycles",
    .description =
        "Signs the action in FILE (JSON, docs/integrating.md, Actions) with the profile's key,\n"
        "sends it and waits until it is final. The batch's id is the action's name from then\n"
        "on: others approve it by that id. Exit status 1 if the network refuses it; the\n"
        "verdict says why.\n\n"
        "A change of validators waits for the owners of a quorum of the validators, and for\n"
        "two keys at least: the key that proposes never approves. With --home, validators may\n"
        "be named by name and the epoch left out; without, the epoch is asked of the node.\n"
        "Actions about participants, keys, standing, limits, services, schemes, parameters and\n"
        "cycles wait for as many keys as the network's policy for their kind says.",
    .options = options,
    .examples = "hefu action propose replace.json --client NET/clients/harbour-bank\n"
                "hefu action propose change.json --client NET/clients/harbour-bank \\\n"
                "    --home NET/node-0 --format json",
    .run = run_propose,
};

const struct verb verb_action_approve = {
    .name = "action approve",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .uses = USES_CLIENT | USES_FORMAT,
    .summary = "approve an open action",
    .description =
        "Signs an approval of the action ID with the profile's key, sends it and waits until\n"
        "it is final. Look at the action first: hefu action show ID. The second person of a\n"
        "participant uses a profile with a key of its own (key_no 2), which a test network\n"
        "has in clients/NAME/checker.",
    .options = options,
    .examples = "hefu action approve 5f0c...e1 --client NET/clients/lotus-bank/checker",
    .run = run_approve,
};

const struct verb verb_action_disapprove = {
    .name = "action disapprove",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .uses = USES_CLIENT | USES_FORMAT,
    .summary = "refuse an open action, or withdraw one's own",
    .description =
        "From the participant that proposed it this withdraws the action ID. From another one\n"
        "it is a refusal, which also takes an approval back; a change of validators ends when\n"
        "so many refused that no quorum is left.",
    .options = options,
    .examples = "hefu action disapprove 5f0c...e1 --client NET/clients/harbour-bank",
    .run = run_disapprove,
};
