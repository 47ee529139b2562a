/* record_find: the beginning and the end of the record verbs (see record_find.h). */
#include "cli/record_find.h"

#include "cli/text.h"

int record_find_open(const struct args *args, struct record_question *ret_question)
{
    struct record_question *question = ret_question;
    const char *participant = args_value(args, "participant");
    question->only = 0;
    if (output_format_of(args, &question->format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (id_parse(args->operands[0], &question->id) != STATUS_OK) {
        complain("%s: \"%s\" is not an id: 32 hexadecimal digits or a UUID", args->verb->name,
                 args->operands[0]);
        return EXIT_USAGE;
    }
    int code = home_open(args, &question->home);
    if (code == EXIT_CLEAN && participant != NULL) {
        code = home_find_participant(&question->home, participant, &question->only);
        if (code != EXIT_CLEAN) {
            home_close(&question->home);
        }
    }
    return code;
}

int record_find_close(const struct args *args, struct record_question *question,
                      struct output *output, int code)
{
    output_end(output);
    if (code == EXIT_NOT_FOUND) {
        complain("record %s: no final record has this id", args->operands[0]);
    }
    home_close(&question->home);
    return code;
}
