"""Phrase grammars of the clean styles: English reasoning over one core, German and Spanish with a
core of their own.
"""

CORE = """
np ~ the <noun> | the <adj> <noun> | the <noun> | <person>'s <noun> | the <noun> of the <noun> | the <noun> <pp> | the <noun> that <vp> | each <noun>
  | the <product> <noun>
  | the <adj> and <adj> <noun> | a <noun> of <num> <measure> | whatever <noun> <person> <vd>
adv = probably | rarely | also | in effect | at least partly | still | no longer | in most years | as a rule | hardly | openly | twice | on paper
  | indirectly | for good
pp = in <place> | from <org> | under <id> | since <date> | with the <adj> <noun> | near the <noun> | without a <noun> | for <num> <measure> | at <elsewhere>
vp ~ <v3> <np> | is <adj> | <vd> <np> <pp> | <v3> neither <np> nor <np> | is more <adj> than <np> | cannot <vb> <np> | does not <vb> <np>
  | <v3> <num> <measure>
clause ~ <np> <vp> | <np> <adv> <v3> <np> | <person> <vd> <np> | <np> <vp> <pp> | <clause> because <clause> | if <np> <vp>, <np> <vp>
  | there is no <noun> <pp>
  | <n> <measure> <pp> would <vb> <np>
  | <np>, which <vp>, <vp> | the more <adj> <np> is, the more it <v3> <np>
ask = whether <clause> | how <np> <vp> | why <clause> | what follows if <clause> | which <noun> <vp> | when <person> <vd> <np>
fact = <person> of <org> <vd> the <key> <pp>. | The <key> <v3> the <key> <pp>. | In <place>, <np> <v3> <num> <measure>.
  | Under <id>, the <adj> <key> <vp>. | <clause>.
  | On <date> <org> <vd> the <product> <key>. | The <product> <vp>, and the <key> <vp>. | <person> wrote that <clause>. | No <key> <vp> unless <clause>.
prompt = Decide <ask>. | <person> says that <clause>. Is that right given <id>? | Explain <ask> in at most <n> sentences.
  | A <adj> <key> <v3> the <key>. What should <person> do?
  | Which of these is true? A. <clause>. B. <clause>. C. <clause>. | Using the passage, say <ask>. | Write a short note to <org> on <ask>.
  | Compare the <key> with the <key> and say <ask>.
  | My question is simple: <ask>? Please give the next step and list the <adj> options. | Rewrite this so that it mentions the <key>: "<clause>."
answer = <clause>. | Yes, because <clause>. | No. <clause>. | It depends: if <clause>, then <np> <vp>. | Option <letter>: <clause>.
  | The <key> <v3> the <key>; <clause>.
aside ~ I recall my <noun> class in <elsewhere>, where <stranger> said that <clause>. | Funny, a friend named <stranger> once <vd> a <noun> like this.
  | <stranger>'s rule of thumb comes to mind.
  | Side thought: <fresh> had the same <noun> years ago. | This reminds me of the <stranger> affair in <elsewhere>.
  | I once read about the <fresh> <noun>, but it hardly matters. | (Not sure how <fresh> is spelled.)
rare ~ Alright, <noun> first. | Funny one. | Picture <np>. | A word on <np>. | Strange <noun>. | Step back: <ask>? | Puzzle: <ask>.
  | Three facts, one <noun>. | Ah, <np> again. | Mind the <noun>. | At first glance <clause>.
  | <place>, <date>. | Everything turns on <np>. | Assume nothing. | Before the <noun>, the <noun>. | Quick sketch. | I like this <noun>.
  | Where is <np>? | <n> <measure>, really? | Tricky: <clause>. | No <noun>, no <noun>.
  | Well then, <clause>. | My gut says <clause>. | Devil's advocate: <clause>. | <fresh> aside, <clause>. | Short <noun>, long <noun>.
  | For the sake of argument, <clause>. | Draw it: <np> left, <np> right.
"""
STYLE_TEXT = {
    "templated": """
open ~ The question asks <ask>. | First, restate the problem: <ask>. | Let me look at <np>. | We need to decide <ask>. | To answer, start from <np>.
  | Okay, <ask>. | So the task is about <np>.
  | I should consider <np> before anything else. | Start with what is given: <clause>. | Reading the passage, <np> stands out.
  | What do we know about <np>? | Hmm, <ask> depends on <np>.
  | The key fact here is that <clause>. | Looking at <np>, two readings are possible. | Before concluding, check <np>.
  | A natural first step is to isolate <np>. | <np> is the central point.
  | My initial thought is that <np> matters most. | There are two parts: <np>, and then <np>. | Since <id> is mentioned, begin there.
  | Given <np>, what follows? | Suppose <clause>; would the answer change?
  | Breaking it down: <np> comes first. | Notice that <clause>. | In this case, <np> sets the frame. | The user wants to know <ask>.
  | <person> is the one who <vd> <np>.
mid = That means <clause>. | If <np> <vp>, then <clause>. | However, <clause> could weaken this. | Checking again: <clause>.
  | This is consistent with <np>. | On the other hand, <clause>. | The passage says: <fact>
  | Counting gives <n>. | It follows that <clause>. | I should verify <ask>. | An alternative is that <clause>, but <clause>. | Compare this with <np>.
  | So far <clause>. | The number <num> matters here.
  | Wait, <clause>; therefore <clause>. | Nothing contradicts <np>. | One more check: <clause>. | As in the previous step, <clause>.
  | <person> would object that <clause>. | Under <id>, <clause>. | This one is easier: <clause>.
  | For <n> <measure> instead of <num>, <clause>. | Does <np> change that? Only if <clause>. | Unlike <np>, <np> <vp>. | The next point is <np>.
  | To be precise, <clause>.
end ~ So the answer follows from <np>. | Therefore, <clause>. | I am fairly confident that <clause>. | In short, <clause>. | That settles it: <clause>.
  | Putting it together, <clause>. | Hence <clause>. | The answer is <letter>.
""",
    "r1": """
open ~ Okay, the user is asking <ask>. | First, the user wants me to say <ask>. | Okay, let's see. <fact> | Hmm, <ask>?
  | Okay, so I need to figure out <ask>. | First, I'm told that <clause>. | Alright, <np>. Let me think. | Let me start by reading this again. <fact>
  | The user seems to be a <noun> person, so they care <ask>. | First, the context: <fact> | So there's <np>, and then <np>.
  | Let me break down the <key>. | Good question. <ask>? | Right, <person> and the <key>. | Okay, this is about <np>, not <np>.
mid = Wait, <clause>. | Wait, no. <clause>, so that can't be it. | Hmm, but <clause>. | Let me check that again. <fact> | So <clause>.
  | Actually, <clause>. | But hold on, does <np> really <vb> <np>? | Maybe <clause>, but I'm not sure. | I think <clause>. | From the passage: <fact>
  | Let me try it with <n> <measure>. Then <clause>. | That would be odd, since <clause>. | On second thought, <clause>.
  | The user didn't say <ask>, so I'll assume <clause>. | I already said that <clause>. | Also, <clause>. | If I remember correctly, <clause>.
  | Another angle: <np>. | For example, <person> could <vb> <np>. | Then again, <clause>. | Is <np> the same as <np>? Probably not.
  | It says "<fact>" which suggests that <clause>. | What about <np>? | That makes sense. | Let me note the <key> and the <key>. | No, scratch that.
  | I need to be careful here: <clause>. | <stranger> v. <org> comes to mind, but the passage doesn't cite it.
  | The answer should be short, so I'll keep <np>. | Perhaps I could mention <np>. | First, <clause>. Second, <clause>.
  | So the last one was <num>, and this one is <n>.
end ~ So the answer is that <clause>. | I think that covers it. | Yes, <clause>. | Therefore <clause>, and I'd say <clause>.
  | Okay, I'm going with <letter>. | Now I'll write the answer. | That should do it: <clause>. | Finally, <np> <vp>. | Let me draft it: <clause>.
  | Done, I believe.
""",
    "formal": """
open ~ Given: <clause>. | We are given <np> and <np>. | Known facts: <clause>; <clause>. | Let K denote the <key>. | Premises: <clause>; <clause>.
  | Statement: <clause>. | Setting: <np> <pp>. | To show: <clause>. | Definitions first. A <key> <vp>. | The claim to be examined is that <clause>.
  | By assumption, <clause>. | The data are <num> <measure> and <n> <measure>.
mid = by <id>, <clause>. | <clause>, hence <clause>. | assume that <clause>; then <clause>. | this contradicts the fact that <clause>.
  | two cases arise. If <np> <vp>, <clause>. Otherwise, <clause>. | from the previous step, <clause>. | <np> <vp> by hypothesis. | note that <clause>.
  | apply <id> to <np>.
  | it remains to show <ask>. | the bound of <num> <measure> is met, because <n> is less. | <stranger>'s lemma is not needed here, since <clause>.
  | without loss of generality, <np> <vp>. | as stated in the passage, <clause>. | combine the last two steps: <clause>.
end ~ Conclusion: <clause>. | It follows that <clause>. | Result: <clause>. | Thus <clause>, as required. | This proves that <clause>.
  | Hence the answer is <letter>. | The claim holds.
""",
    "legal": """
open ~ The issue is <ask>. | Issue: <ask>. | The first question is <ask>. | At issue is <ask>. | This turns on <id>. | The dispute concerns <np>.
  | Question presented: <ask>. | We must ask <ask>. | Two issues arise: <ask>, and <ask>. | The parties disagree <ask>. | <person> relies on <id>.
rule = under <id>, <clause>. | <id> provides that "<clause>." | the rule from <stranger> v. <org> is that <clause>.
  | a <key> <v3> a <key> only if <clause>. | see also <id>, where <clause>. | the burden lies with <person>. | courts read <np> narrowly where <clause>.
  | the test has two limbs: <clause>, and <clause>.
mid = here, <clause>. | <person> will argue that <clause>. | against this, <clause>. | <fact> That is enough to say that <clause>.
  | the record shows that <clause>. | unlike in <stranger>, <np> <vp>. | the deadline ran from <date>. | taking the narrow reading, <clause>.
  | even so, <clause>. | nothing in <id> <v3> <np>.
  | on the facts, <clause>. | <org> did not <vb> <np>, so <clause>. | the exception applies if <clause>. | a strict reading would <vb> <np>.
  | the amount, <num> <measure>, is not in dispute.
end ~ Conclusion: <clause>. | On balance, <clause>. | Therefore <person> should <vb> <np>. | The better view is that <clause>. | So <person> prevails.
  | It follows that <np> is <adj>. | The claim fails.
""",
    "table": """
open ~ The snippet is <format>, so I read it line by line. | Let me look at the <format> first. | The user pasted <format> and asks about `<field>`.
  | We have a <format> with <n> entries. | `<line>` is the line in question. | The fields are `<field>`, `<field>` and so on. | Checking the <format>:
  | What does `<field>` do here?
  | There are a few things wrong with this <format>. | Start from `<line>`. | The <noun> is described by `<field>`.
  | Parsing it by eye: `<line>`, then `<line>`.
mid = `<field>` is what <v3> the <noun>. | `<line>` means that <clause>. | if `<field>` were <n>, <clause>. | row <n> looks fine, because <clause>.
  | the value in `<line>` is <adj>. | **<field>**: <clause>. | there is no `<field>_<noun>` key, so <clause>. | compare `<line>` with `<line>`.
  | quoting matters: `"<field>"` is a string.
  | <clause>, so I would set `<field>` to <n>. | the template variable `⟪⟪<field>⟫⟫` is never filled, which <v3> <np>. | the tag `⟨<field>⟩` is closed.
  | the order of rows does not matter. | at line <n>, <clause>. | the log says so at <clock>. | `<line>` is a duplicate of the line above? No, <clause>.
  | the status is `<value>`, so <clause>.
end ~ So the fix is to change `<field>`. | The corrected line is `<line>`. | Therefore <clause>. | I would answer with the table and one sentence.
  | That explains `<value>`. | So <n> rows remain.
prompt = Please explain <ask>. | Tell me <ask>. | I want to know <ask>. | Here is a <format>. Say <ask>. | <person> sent me this <format>; <ask>?
  | Find the mistake.
ask = what `<field>` does | why `<line>` fails | which row holds `<value>` | how to sort it by `<field>` | whether `<field>` may be empty
""",
    "terse_math": """
open ~ <v> to start. | Let x = <v>. | Start: <v>. | We have <v> <measure>. | Given <v>. | n = <v>. | First compute from <v>. | So <v> of them.
  | Total so far: <v>. | Call it <v>. | Take <v>. | <person> has <v>. | Initially <v>. | The <key> gives <v>.
step = <v> + <m> = <sum>. | add <m>: <sum>. | <m> more gives <sum>. | then plus <m>, so <sum>. | with the <noun>, <v> + <m> = <sum>.
  | <v> → <sum> after adding <m>.
mid ~ <step> | check: <sum> - <m> = <v>. ok. | <v> mod 7 = <mod>. | now <v>·<d> = <times>. | <v> is <parity>. | units: <measure>.
  | hmm, <m> or <n>? the passage says <m>. | that's <num> <measure> total? no. | 2·<v> = <double>, so half of <double> is <v>.
  | wait, the <noun> counts too. | by symmetry the same for the <noun>.
  | let y = <v> - <n>. | so <v> > <m>. | $\\frac⟪<v>⟫⟪<d>⟫$ is not an integer in general. | sum of digits of <v>: <digits>. | <v>² = <square>.
  | <person> <vd> <n> of them. | <clause>. | as before. | next: the <noun>. | remember <m> ≠ <n>.
end ~ Answer: <v>. | So <v>. | = <v>. | \\boxed⟪<v>⟫. | Result <v> <measure>. | Hence <v>. | final: <v>. | That gives <v> <measure>.
prompt = <person> has <v> <measure> of <key> and adds <m> each <noun>. How many after <n> rounds?
  | Compute the total for <v> and <m> if the <key> <v3> the <key>. | The <key> starts at <v> and grows by <m>. What is it after <d> steps?
  | Find x given <v>, <m> and <num>.
""",
    "german": """
np = <nom> | <nom> <gpp> | <nom> von <person> | <nom>, <rel>,
gpp = in <place> | bei <org> | nach <id> | ohne <akk> | mit <dat> | seit <date> | wegen <num> <einheit>
rel = der Sache nach <gadj> | so jedenfalls <person> | wie bei <stranger>
gadj = klar | offen | strittig | gültig | zu eng | kaum erheblich | wirksam | entbehrlich | verspätet | richtig
gv = verlangt | begrenzt | ersetzt | betrifft | bestätigt | widerlegt | stützt | enthält | regelt | ändert | verdrängt | erfasst | sichert | schwächt
satz = <np> <gv> <akk> | <np> ist <gadj> | <np> <gv> <akk> <gpp> | <person> nennt <akk> | nur <np> <gv> <akk> | <nom> <gv> <akk>, und <satz>
  | hier fehlt <nom> | es bleibt bei <dat>
frage = ob <nom> <akk> <gv> | wie <nom> zu lesen ist | warum <nom> <gadj> ist | was aus <dat> folgt
fact = <satz>. | Laut <id> <gv> <nom> <akk>. | <person> aus <place> nennt <akk>. | Am <date> kam <nom> zu <org>.
prompt = Bitte prüfe, <frage>. | <person> fragt, <frage>. Was gilt nach <id>? | Erkläre in <n> Sätzen, <frage>. | Ist es richtig, dass <nom> <akk> <gv>?
  | Fasse zusammen, <frage>.
open ~ Zuerst ist zu klären, <frage>. | Die Frage ist, <frage>. | Also, <satz>. | Okay, <frage>? | Gegeben ist: <satz>. | Ich beginne mit <dat>.
  | Hm, <satz>. | Zunächst zum Text: <fact> | Der Nutzer will wissen, <frage>. | Entscheidend ist <nom>. | Schauen wir auf <akk>.
  | Worum geht es? Um <akk>. | Im Kern: <satz>.
mid = Das heißt, <satz>. | Allerdings gilt: <satz>. | Moment, <satz>. | Im Text steht: <fact> | Daraus folgt: <satz>. | Noch einmal: <satz>.
  | Andererseits: <satz>. | Prüfen wir <akk>. | Die Zahl <num> ist wichtig. | Wie im vorigen Schritt: <satz>.
  | Wäre <nom> <gadj>, käme etwas anderes heraus. | Bei <stranger> war das anders.
  | Zweitens: <satz>. | Nach <id> <gv> <nom> <akk>. | Das spricht gegen <akk>. | Bleibt noch <nom>. | Dafür spricht <nom>.
  | Nehmen wir <n> statt <num>: <satz>. | Vielleicht irre ich mich, aber <satz>. | Nein, <satz>.
end ~ Also: <satz>. | Damit ist die Antwort klar: <satz>. | Kurz gesagt, <satz>. | Ergebnis: <satz>. | Somit bleibt es bei <dat>. | Ich antworte: <satz>.
answer = <satz>. | Ja, denn <satz>. | Nein: <satz>.
aside ~ Nebenbei: <stranger> in <elsewhere> sah das anders. | Das erinnert mich an <fresh>. | In der Schule in <elsewhere> hieß es immer: <satz>.
rare ~ Knifflig. | Der Reihe nach. | Zwei Dinge fallen auf. | Vorab: <satz>. | Mal langsam. | Ein Blick auf <akk> genügt. | Seltsam, <satz>.
  | Ehrlich gesagt: <satz>. | Auf den ersten Blick: <satz>.
""",
    "spanish": """
np = <sus> | <sus> de <person> | <sus> <spp> | <sus>, según <person>,
spp = en <place> | ante <org> | conforme a <id> | sin <sus> | desde <date> | por <num> <medida>
sadj = relevante | insuficiente | suficiente | posible | imposible | probable | evidente | variable | aplicable | discutible
sv = exige | limita | cubre | confirma | contradice | sustituye | incluye | excluye | modifica | permite | retrasa | reduce | explica
frase = <np> <sv> <sus> | <np> es <sadj> | <np> no <sv> <sus> | <person> menciona <sus> | si <sus> <sv> <sus>, <frase> | <np> <sv> <sus> <spp>
  | falta <sus> | <frase>, porque <frase>
pregunta = si <frase> | cómo <sus> <sv> <sus> | por qué <frase> | qué pasa con <sus>
fact = <frase>. | Según <id>, <frase>. | <person>, de <place>, menciona <sus>. | El <date> <org> recibió <sus>.
prompt = Explica <pregunta>. | <person> pregunta <pregunta>. ¿Qué dice <id>? | Resume en <n> frases <pregunta>. | Di, con el texto, <pregunta>.
open ~ La pregunta es <pregunta>. | Primero hay que ver <pregunta>. | A ver, <frase>. | Bueno, <frase>. | El usuario quiere saber <pregunta>.
  | Empiezo por <sus>. | Según el texto: <fact> | Lo esencial es <sus>. | Vamos por partes. | Hay dos cosas: <sus> y <sus>. | Partimos de que <frase>.
  | Veamos <sus>.
mid = Es decir, <frase>. | Sin embargo, <frase>. | Espera, <frase>. | El texto dice: <fact> | De ahí que <frase>. | Por otro lado, <frase>.
  | Conviene comprobar <pregunta>. | El número <num> importa. | Como en el paso anterior, <frase>. | También <frase>. | Si fueran <n>, <frase>.
  | No, <frase>. | En el caso <stranger> fue distinto.
  | Segundo: <frase>. | Además, <frase>. | Queda <sus>. | Con <id>, <frase>. | Quizá me equivoco, pero <frase>. | Dicho de otro modo, <frase>.
  | ¿Y <sus>? <frase>.
end ~ Por tanto, <frase>. | En resumen, <frase>. | La respuesta es que <frase>. | Así que <frase>. | Con eso basta. | Conclusión: <frase>.
answer = <frase>. | Sí, porque <frase>. | No: <frase>.
aside ~ Por cierto, <stranger> de <elsewhere> opinaba otra cosa. | Esto me recuerda a <fresh>. | En mi escuela de <elsewhere> decían que <frase>.
rare ~ Curioso. | Paso a paso. | Antes de nada, <frase>. | Qué raro: <frase>. | De entrada, <frase>. | Hay truco. | Imaginemos <sus>.
  | A primera vista, <frase>. | Con calma.
""",
}
