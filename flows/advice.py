"""Advice for every reason why a row is rejected."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from flows.clock import StageLine

BY_DESIGN = frozenset(
    "not_best_of_n control_arm over_cap not_best outvoted same_as_majority".split()
)
"""Reasons that reject a row on purpose; nothing is wrong, so these losses are listed last."""

OF_SOURCES: Mapping[str, str] = {
    "unsupported_type": (
        "convert the files to one of the kinds that are read, or leave them out of the folder"
    ),
    "empty_file": "remove the empty files",
    "empty_text": "the files hold no text; scanned pages need text recognition (OCR) first",
    "binary_file": "the files are not text; convert them or remove them",
    "bad_encoding": "convert the files to UTF-8",
    "too_large": "split the files, or raise max_bytes of documents or questions",
    "unreadable_file": "check that the files exist and that you may read them",
    "outside_folder": (
        "a link leads out of the folder; add its target as another source, or copy it"
    ),
    "encrypted_file": "remove the password from the files",
    "broken_pdf": "the files are damaged; export them again or leave them out",
    "broken_html": "the pages cannot be parsed; save them again or leave them out",
    "broken_htm": "the pages cannot be parsed; save them again or leave them out",
    "broken_parquet": "the files are damaged; download or write them again",
    "bad_json": "every line must be one JSON object; correct the lines that the rejected rows name",
    "bad_table": "correct the CSV or TSV file; the rejected rows name the line",
    "missing_text": "name the columns that hold the text in the source's `text`",
    "missing_question": "name the column that holds the question in the source's `question`",
    "duplicate_document": "the sources have this text more than once; nothing is lost",
    "duplicate_question": "the sources have this question more than once; nothing is lost",
    "no_passage": "no part of these documents is long enough; lower grounding.min_words",
    "duplicate_passage": "the documents have this section more than once; nothing is lost",
    "site_internals": "these files build the site and are not part of its text; nothing is lost",
    "duplicate_prompt": "two rows of the plan have the same text; give the family different forms",
}
OF_ANSWERS: Mapping[str, str] = {
    "prompt_too_long": (
        "raise max_model_len, or show less: lower grounding.max_words or the families' context; "
        "`tracemill plan` shows how long the prompts are"
    ),
    "refused_by_endpoint": "read the server's log; it refuses these requests every time",
    "cut_answer": "raise the model's max_tokens, or ask for shorter answers in the template",
    "empty_answer": "the model ended its answer at once; check its chat template and stop tokens",
    "missing_think": (
        "the model writes no think tags; name a reasoning model, or switch its thinking on"
    ),
    "unclosed_think": (
        "the model does not end its thought; raise max_tokens or lower the temperature"
    ),
    "repeated_think": (
        "the model opens several think blocks; lower the temperature or name another model"
    ),
    "orphan_close": "the opening think tag is missing; check the chat template of the model",
    "text_before_think": (
        "the model writes text before its thought; remove a system prompt that asks for a "
        "greeting or a format"
    ),
    "empty_think": "the model leaves its think block empty; switch its thinking on",
}
OF_GATES: Mapping[str, str] = {
    "short_think": (
        "ask for a longer thought in the template, or lower verdicts.structure.think_min"
    ),
    "long_think": (
        "ask for a shorter thought in the template, or raise verdicts.structure.think_max"
    ),
    "long_answer": (
        "ask for a shorter answer in the template, or raise verdicts.structure.answer_max"
    ),
    "loop": "the model repeats itself; set the temperature that its makers recommend",
    "run_together": "the model drops spaces; check its tokenizer, or name another model",
    "mojibake": "characters are broken; check the encoding of the documents and of the server",
    "script_drift": (
        "the model writes in another script; name the language in the template, or add the "
        "script to verdicts.fluency.scripts"
    ),
    "unresolved_citation": (
        "the answer cites what it was not shown; add allowed authorities to "
        "verdicts.citations.allowed, or name a stronger teacher"
    ),
    "speaks_of_hidden_passage": (
        "the row hides its passages, but the trace speaks of them; tell the teacher in the "
        "template to answer as if from memory"
    ),
    "missing_citation": (
        "ask for the section in brackets in the template, or set verdicts.citations.must_cite "
        "to false"
    ),
    "insertion": (
        "the same words were put into several traces; read the audit page, then correct the "
        "prompt or the server"
    ),
    "misquoted": (
        "the answer quotes a passage wrongly; lower the temperature or name a stronger teacher"
    ),
    "misattributed": (
        "a value is not in the cited section but in another one; show fewer passages (context) "
        "or name a stronger teacher"
    ),
    "contradicted_passage": (
        "the answer contradicts a statement of a passage; read some of these answers, then name "
        "a stronger teacher"
    ),
    "contradicted_think": (
        "the answer differs from the result of its thought; lower the temperature or name a "
        "stronger teacher"
    ),
    "irrelevant_answer": (
        "the answer does not address the question; read some of these answers, then change the "
        "form or the teacher"
    ),
    "incomplete_answer": (
        "the answer is a fragment; raise max_tokens or ask for whole sentences in the template"
    ),
    "abstained": (
        "the teacher says that the passages do not have the answer; write forms that the "
        "sections can answer"
    ),
    "ungrounded_number": (
        "a number is not in the passages; name a stronger teacher, or set "
        "verdicts.evidence.numbers to false for proposals"
    ),
    "ungrounded_answer": (
        "the answer says more than the passages; ask for an answer only from the passages, or "
        "lower verdicts.evidence.overlap"
    ),
    "wrong_answer": (
        "the answer differs from the known one; name a stronger teacher, or ask more samples "
        "per prompt"
    ),
    "incoherent_think": (
        "the judge finds that the thought is not about the question; read some of these thoughts"
    ),
    "plan_vocabulary": (
        "the trace uses the plan's own words; remove them from template and system prompt"
    ),
    "canary": (
        "producer state reached the teacher; check the server, its cache and the system prompt"
    ),
    "foreign_canary": (
        "rows were mixed: a trace has another row's mark; check the server and its cache"
    ),
    "other_row": (
        "a trace quotes another row's prompt or id; check the server and its cache for mixed rows"
    ),
    "taint": "a trace has a phrase of a producer column; check template and system prompt",
    "concentration": (
        "a phrase recurs that answers to bare prompts do not have; read the audit page, then "
        "correct the template or clear the phrase in audit.allowed"
    ),
    "dependence": (
        "words depend on a producer column; read the audit page, then correct the template or "
        "clear the phrase in audit.allowed"
    ),
    "locked_label": (
        "a label recurs at the same place; read the audit page, then correct the template or "
        "clear the phrase in audit.allowed"
    ),
    "surprise": (
        "the teacher alone would hardly have written a part of the trace; read the audit page, "
        "then correct the server or the prompt"
    ),
    "novelty": "a part of the trace is unlike all answers to bare prompts; read the audit page",
}
OF_CORPUS: Mapping[str, str] = {
    "exact_duplicate": "rows are equal word for word; give more documents, forms or questions",
    "near_duplicate": "rows are nearly the same; give more forms, or raise corpus.dedup.jaccard",
    "contaminated": (
        "rows have a held-out question; if only the wording of the problems is the same, raise "
        "corpus.decontamination.words"
    ),
    "over_quota": (
        "the family has more rows than its share allows; ask for fewer of it, or raise its "
        "quota or general_max"
    ),
    "not_best_of_n": "another answer to the same prompt was better; nothing is wrong",
    "control_arm": (
        "answers to bare prompts are the baseline of the audit; corpus.control: true would "
        "accept them"
    ),
    "too_long": "the row has more tokens than the training accepts; raise train.encode.max_length",
}
OF_CHAINS: Mapping[str, str] = {
    "no_prompt": "the prompt of the step has no form for these items; change its template",
    "not_asked": (
        "next to no answer could be read, so the step stopped; read the rejected rows, then change "
        "the prompt, its form of answer, or the model"
    ),
    "nothing_to_draw": (
        "the passage has nothing to draw from, such as a name it shares; nothing is wrong"
    ),
    "duplicate": (
        "the model gave the same answer twice; raise its temperature, or ask for fewer samples"
    ),
    "over_cap": "the group has more items than `most` of the step; nothing is wrong",
    "not_best": "another item of the group has a higher score; nothing is wrong",
    "alike": "another question of the group reads nearly the same; nothing is wrong",
    "no_majority": (
        "the answers do not agree; ask more samples, or lower share and margin of the step"
    ),
    "outvoted": "most answers of the group say something else; nothing is wrong",
    "same_as_majority": "another item stands for the same answer; nothing is wrong",
    "empty_question": "the chain gives a value that is empty; check gives.question",
    "gives_the_answer_away": (
        "the question repeats its own answer; change the prompt that writes it"
    ),
}
OF_FORMS = (
    (
        "unparsed_",
        "the model does not answer in the form that the step asks for; read some answers, "
        "then change the prompt, `returns` or the model",
    ),
    ("test_", "the test of this step removes them; read some, then change the prompt or the test"),
)
"""Beginnings of reasons, for what depends on the chain."""
OF_TRAINING: Mapping[str, str] = {
    "no_eos": (
        "the chat template does not end a turn with the end-of-text token; correct the template"
    ),
    "eos_not_stopping": "make eos_token and generation_config of the student agree",
    "eos_in_text": "a row has the end-of-text token inside its text; remove it",
    "no_bos": "the chat template leaves out the beginning-of-text token; correct the template",
    "bos_twice": (
        "template and tokenizer both add the beginning-of-text token; correct the template"
    ),
    "prompt_in_loss": "the prompt is part of the learnt tokens; correct the chat template",
    "think_lost": "the chat template drops the think block; correct the template",
}
ADVICE: Mapping[str, str] = {
    **OF_SOURCES,
    **OF_ANSWERS,
    **OF_GATES,
    **OF_CORPUS,
    **OF_CHAINS,
    **OF_TRAINING,
}
UNKNOWN = "read the rejected rows: each has its reason and a detail"


class Loss(NamedTuple):
    """The rows that a stage rejected for one reason. of: rows that the stage got."""

    stage: str
    reason: str
    rows: int
    of: int

    @property
    def advice(self) -> str:
        """What to do about it."""
        of_form = (says for begins, says in OF_FORMS if self.reason.startswith(begins))
        return ADVICE.get(self.reason) or next(of_form, UNKNOWN)

    @property
    def by_design(self) -> bool:
        """Whether the rows are rejected on purpose."""
        return self.reason in BY_DESIGN


def losses(lines: Iterable[StageLine]) -> list[Loss]:
    """Return the losses of all stages, the largest first; those on purpose come last."""
    found = [
        Loss(line.stage, reason, rows, line.rows_in)
        for line in lines
        for reason, rows in line.rejected.items()
    ]
    return sorted(found, key=lambda one: (one.by_design, -one.rows, one.stage, one.reason))
