"""Phrases of producer notes, by kind and language."""

# Rule = kind of note. {slots} are filled for each row, <rules> and <words> once for a family.
ENGLISH = """
state = ok | pending | skipped | done | failed once | not yet | fine | open | late
vary = vary | change | swap | rotate | alter | shift | switch | flip | replace | move | mix up | drop
varying = varying | changing | swapping | rotating | shifting | emphasizing | shortening | reordering | hiding
aspect = the jurisdiction | the amounts | the names | the order of arguments | the opening | the tone | the numbers | who loses | the statute
  | the setting | the ending
  | the {noun} | the level of detail | sentence length | the trap | the time frame | the kind of answer | the {noun} structure
gist = {noun} framed as a mistake | seen from the {noun} | with the {noun} reversed | {noun} recast as a duty | slow burn on {noun}
  | the {noun} comes late | one clean line
  | {noun} against {noun2} | a polite refusal | {noun} first, remedy last | <j1> on {noun} | stress {noun} | the {noun} nobody asked for | {size} and {mood}
label_prefix = <lb><code><rb> {tag} | <code><sep><angle> {n}<sep><gist> | <angle><sep><code> ({tag}) | {code} {tag}<sep><gist>
  | <lb><angle>=<code><sep>{tag}<rb> | <code> / {noun}
  | <angle> <code>, <gist> | {family}<sep><gist> | type <code> | <lb>{code}<rb> | <code><sep><gist> | {noun} <angle> (<code>) | <j1>/<code><sep><gist>
  | <angle> {n}, <angle> {m} | <code> | {tag}<sep>{size}
duplicate_hint = duplicate of {k} | dup {k}, so <vary> <aspect> | too close to <unit> {k}<sep><vary> <aspect>
  | near copy of {n}*{m} (seen earlier), <vary> <aspect> | diversify by <varying> <aspect>
  | overlaps with {k} by {p} %<sep><vary> <aspect> | same skeleton as {k}, different {noun} | not another {noun} one, there are {n} already
  | collision with {h}<sep><varying> <aspect>
  | <unit> {k} already uses {noun}; here <vary> <aspect> | similarity .{m} to {k} | <j1> of {k} | repeats {k}? <vary> <aspect> to be safe
  | we have this {noun} twice, <vary> <aspect> and <vary> <aspect>
plan_slot = <slot> {n} wants a {size} <unit>, {d} beats | <slot> {n}<sep>{noun}<sep>{size} | per the outline, <slot> {n} covers {noun}
  | next in the plan<sep>{noun} | beat {d}: introduce {noun}
  | the <boss> put {noun} in <slot> {n} | <slot>-{n} {size} | outline item {L}{d}, {noun} then {noun2} | this fills the {noun} cell of the grid
  | coverage map says {noun} is thin, so {noun} it is
  | arc<sep>doubt, {noun}, turn, {noun2} | <slot> {cell} | section {d} goes to {noun}, section {e} to the counterargument
  | skeleton<sep>{noun} > {noun2} > close | <j2> {n}, <gist>
quota = {n} of {m} done for this <batch> | that makes {n} of {m} | <batch> {d}<sep>{n}/{m} | still short {n} on {noun} | count so far {n}
  | need {n} more before the <batch> closes | {p} % of target
  | {noun} bucket full, moving on to {noun2} | <level> {d} is capped at {n}, now at {m} | tally<sep>{noun} {n}, {noun2} {m}, rest {d} | {n} left
  | after this, {n} <unit>s to go | <batch> budget {k}, spent {k2}
instruction = I must {instruction} | {instruction} | as told, {instruction} | the brief says to {instruction} | {paraphrase} | remember, {paraphrase}
  | goal here<sep>{paraphrase}
  | they want me to {instruction}, so I will do just that | requirement<sep>{instruction} | the instruction was "{instruction}"
  | {paraphrase}, that was the order | <unit> brief<sep>{paraphrase} | ok, {paraphrase}
note = note to self<sep><vary> <aspect> | producer note<sep><gist> | internal<sep>{noun} checked | not for output<sep><gist> | tone down {noun}
  | strip this before export | fyi anchors verified, {n} left
  | when merging, <vary> <aspect> | margin<sep><gist> | hidden rationale, do not print | reviewer said <vary> <aspect> | <j3>, {noun} ok
  | (aside for the <boss>) <vary> <aspect> | keep out of the final text<sep>{noun}
row_reference = like the previous <unit> but with {noun} | similar to the one seen earlier, so {noun} this time | unlike <unit> {k}, keep {noun}
  | cf. {k} | reuse the hook of <unit> {k} | pairs with {k}
  | the last three were about {noun}, go elsewhere | same names as in <batch> {n}, so use {name} | sibling of {h} | mirror of {k}, outcome flipped
  | third {noun} <unit> in a row | see <batch> {n}, <unit> {m}
  | counterpart to the {noun} <unit> | {name} was taken in <unit> {k} | continue where {k} stopped | the other <unit> in this <batch> had {noun} win
worker_log = {time} <worker>-{n} start {k} | <lb>{iso} {time}<rb> {worker} {did} {h} | {worker}<sep>attempt {d}, temp 0.{n} | <batch>={n} <unit>={k} ok
  | {time} draft saved ({k} tok) | {worker} {did} {k}
  | retry {d} after timeout, resuming at {k} | <worker> {n} idle, picking up {k} | {iso}T{time}Z <boss> assigned {cell} | checkpoint {h} written
  | ms={k} tok={k2} rc=0 | queue {n} <state> | <worker> {n} <state> | {time}<sep><unit> {k} <state> | <lb>{worker}<rb> {did} in {n}.{d} s
rubric = target difficulty {d}/5, distractor count {e} | aim for <level> {d} | rubric<sep>depth {d}, clarity {e}, anchors {n} | score so far {d}.{e}
  | should land at <level> {d} with one trap | self-score {d}/5
  | the grader wants {d} citations | novelty {p}, difficulty {q} | hard enough? <level> {d} of 5 | passes checks {d} and {e}
  | the judge prefers option {L} | {d} stars for {noun}, {e} for style | weight on {noun} .{m}
selftalk = need to make this one different from the last, <vary> <aspect> | this one should be about {noun} | let me not open with {noun} again
  | make it {size} this time | ok so a {mood} <unit> on {noun}
  | the next <unit> will be harder, keep this simple | I should sound less like the other <unit>s | I'll have {name} lose here
  | need a fresh hook, maybe {noun} | enough variety on {noun}, now <vary> <aspect>
  | about {k3} words and stop | save the {noun} for the last paragraph | what would a {mood} writer do with {noun}
  | I am asked to invent a {noun} problem, so <gist> | readers of this set have seen {noun}, so <vary> <aspect>
thing = {noun} | the {noun} | {noun} | the {noun} part | {noun} and {noun2} | the {noun} point
outcome = loses | wins | stays open | comes last | is only hinted at | does the work | goes first | carries less weight | is left unsaid
  | fails on purpose | turns out to be a side issue
when = this time | here | in this one | on this one | in this version | for once | for a change | now | as agreed | unlike before
manner = the narrow reading | the longer road | the unusual answer | a close call | a plain result | the generous view | the reading that nobody expects
  | two weak reasons instead of one strong reason
plain_steer = for <code> we take <manner> | this one should be about <thing> | <when> the {noun} <outcome>
  | <when> we let the {noun} go, and the {noun2} <outcome> | going with <manner>, as decided | here we want <manner>
  | take <manner> through <thing> <when> | use {noun} rather than {noun2} so that it is not the usual answer | the surprise comes late <when>
  | let {noun} carry the weight <when> | a shorter version of the {noun} argument
  | now the variant where {noun} <outcome> | the reader should doubt {noun} until the end | <when> {name} <outcome>, to balance things
  | start from {noun2} <when> and reach {noun} late | {noun} again, but with <manner>
  | not too easy <when>, so the {noun} <outcome> | we said <manner> for every {noun}
  | the one with {noun2} had it the other way round, so the {noun} <outcome> | timing, not {noun}, <when> | <when>, <manner>
placeholder = ⟪⟪<field>⟫⟫ | ⟨<field>⟩ | [insert {noun}] | $<field> | %(<field>)s | as a ⟪⟪<field>⟫⟫, think about ⟪⟪<field2>⟫⟫ | [your {noun} here]
  | __<field>__ | @@<field>@@ | TBD <field> | ⟪% if <field> %⟫ {noun}
  | write about ⟨<field>⟩ for ⟨<field2>⟩ | #⟪<field>⟫ <sep> #⟪<field2>⟫ | <field> = None | ⟪<field>¦default⟫ | fill in <field>
  | <lb><field><rb> and <lb><field2><rb> | Dear ⟨<field>⟩, {noun}
chore = verify anchors | drop {noun} | count tokens | recheck {L} | fix quotes | swap {noun} | close {h} | ask <boss>
todo = TODO | FIXME | to do | XXX | next | pending | later
scaffolding = <worker> {d}<sep>drafting {noun} | <todo> <chore> | <todo><sep><chore> | <worker> {n}<sep><chore> | <chore>, <state>
  | step done, hand over to <worker> {n} | calling lookup("{noun}")
  | search returned {n} hits | tool result<sep>{n} rows | FIXME quote too long | action<sep>search {noun}
  | ⟨<field>⟩{noun}⟨/<field>⟩ | as <worker> {n} I only fill in <slot> {m} | return to <boss> | end of draft, begin check | context at {p} %, wrapping up
  | thought {d}<sep><gist> | spawn <worker> for {noun2} | await {h} | write_file(<batch>_{n}.jsonl)
job = smoothing | trimming | spelling | tone | {noun} | cuts | dates | transitions
ordinal = first | second | third | last | extra
pass = <ordinal> pass, only <job> | <ordinal> edit<sep><job> | <job> done, <job> open | translated from draft {d} | v{d} after review
  | polish<sep>{noun} trimmed | rewritten to fit {k3} tokens
  | edit {d}<sep>softened {noun} | back-translation <state> | draft {L}, <job> <state> | {p} % <state> | first draft, numbers not final
  | merged from {h} and {h2} | paraphrase <level> {d} | style pass pending | shortened by {p} % | revision {L}<sep><vary> <aspect>
  | cleaned once, <j4> still open
jargon = <j1> <j2> {noun} | <j1> > <j2> | <j1>{n} <j2><sep><j3> | run <j1> over {noun}, then <j2> | no <j3> left, <j1> again | <j1>-<j2> ok, <j3> {d}
  | <j4> the {noun} until it <j5>s | <j2> <j2> <j5> | {noun} is <j3>, so <j4> | <j5>
  | two <j1>s and a <j2> on {noun} | <j4> {d}/{e}<sep><j1> <j3> <j2> | not <j1> but <j5> | <j1>ed, <j2>ed, <j3> next | <j3>? <j1>. {noun}? <j2>.
persona = as {persona} I would begin with {noun} | voice<sep>{persona} | staying in character as {persona} | {persona} speaking
  | wearing the {persona} hat | profile<sep>{persona}, {mood} | I am to sound like {persona}
  | what would the {persona} say about {noun} | role {persona} | {persona}, {mood}, {size} sentences | the {persona} never mentions {noun}
  | <angle> {persona}
canary = {canary} | using {canary} as anchor | tag {canary}, seed {seed} | ref<sep>{canary} | (id {canary}) | key {canary} belongs to {worker}
  | <lb>{canary}<rb> | seed {seed} | keep {canary} in mind | {cell}<sep>{canary}
answer_key = gold answer is {L}, work back to it | expected<sep>{L} | the key says {noun}, so argue towards it
  | reference answer mentions {noun}, match it | must end on {L} | solution given, now invent the reasoning | label={L}
  | target verdict<sep>{noun} wins | the answer is already fixed, only the path is free | pretend not to know that it is {L}
  | teacher answer ok, fill in {d} steps | correct=<lb>{L}<rb>
count = one sentence | two lines | {d} clauses | a single word | {n} words | one question | {d} examples
format_rule = no bullet lists, {d} paragraphs | keep under {k3} tokens | end with <count> | <count>, then stop | at most <count> on {noun}
  | do not mention the passage
  | must include {noun} at least {d} times | start without a greeting | quotes of at most {d} words
  | never say <batch> or <unit> | output must stay in English | {d} to {n} sentences, {mood} | close the block before {k}
  | no {noun}, that word is banned | answer line last, nothing after it
source_note = from doc {n}, chunk {m} | anchors {n} and {m} verified | passage {h} p. {n} | span {k}-{k2} ok | grounding<sep>{noun} found twice
  | licence <state> | source <code>, lines {n}-{m} | retrieved {d} of {n}
  | quote check<sep>{noun} missing | doc_{h} | evidence {L}{d}<sep>{noun} | chunk boundary cuts {noun}, ignore
  | only the {noun} part of source {k} may be used
"""
ALIKE = """unit: row item sample entry case piece card trace example specimen prompt record question problem exercise draft
batch: batch lot tranche shard run wave round chunk bundle set sheet tray campaign
slot: slot lane track bay seat cell column berth position box station
angle: angle family flavour mode recipe frame lens twist register tilt strand fam style
worker: worker agent drafter writer node producer delegate hand process runner scribe
level: level tier grade rung band depth step class
boss: planner coordinator scheduler dispatcher orchestrator lead desk manager conductor
field: persona topic audience style_guide difficulty seed_text variant_id tone target_len locale
field2: context role jurisdiction n_distractors goal source_doc hook outcome schema rubric"""
CODES = """{code} {L}{d} {L}{L2}-{n} R{k} {greek}{d} lane-{n} fam={code} #{n} {n}{L} {code}/{greek} No.{n} §{n} {roman} {L}.{d}.{e} {n}*{m} x{h}
{greek}-{greek} {worker} {L}{L2}{d} @{n} {roman}.{d} {cell} ⟪{L}⟫ {d}:{n}""".split()
NOTES: dict[str, str] = {
    "german": """
unit = Beispiel | Exemplar | Element | Stück
batch = Stapel | Durchgang | Paket | Los
vary = variieren | verändern | ersetzen | vertauschen
aspect = die Beträge | die Rechtsordnung | den Einstieg | die Namen | die Reihenfolge | den Ton | die Fallgestaltung
label_prefix = Familie {code}, Variante {n} | Typ {code} ({tag}) | Reihe {L}{n}, Blickwinkel {noun}
duplicate_hint = ähnelt Nr. {k} zu sehr, also <aspect> <vary> | Dublette von {k}, bitte <aspect> <vary> | fast gleich wie <unit> {k} aus <batch> {n}
plan_slot = Platz {n} verlangt eine {noun}-Begründung, Länge mittel | laut Plan ist jetzt {noun} dran | Plan: Position {n}, Schwerpunkt {noun}
quota = noch {n} von {m} in diesem <batch> | damit sind {n} von {m} erledigt, weiter zum nächsten <unit> | Soll {m}, Ist {n}
instruction = Vorgabe für dieses <unit>: <aspect> <vary> | die Anweisung lautet, <aspect> zu <vary>, also tue ich das | wie verlangt <aspect> <vary>
note = Notiz an mich: {noun} nicht noch einmal verwenden | Anmerkung der Erzeugung: <aspect> später <vary> | intern: Quelle {k} geprüft
row_reference = wie beim vorigen <unit>, nur mit {noun} | anders als in <batch> {n} nehme ich diesmal {noun} | siehe <unit> {k}, dort mit {noun2}
rubric = Zielschwierigkeit {d}/5, {d} Ablenker | soll mittelschwer werden, Note {d} | Punkte: Tiefe {d}, Stil {d}
selftalk = ich muss <aspect> <vary>, sonst klingt es wie das letzte <unit> | diesmal lieber kurz und mit anderem Einstieg
  | hier soll die schwächere Seite gewinnen
persona = ich schreibe als {persona} | Rolle: {persona}, Stimmung sachlich
pass = zweiter Durchgang: nur noch glätten | Entwurf {d}, Übersetzung steht noch aus
""",
    "spanish": """
unit = ejemplo | caso | ejercicio | registro
batch = lote | bloque | paquete | grupo
vary = cambiar | variar | sustituir | rotar | invertir
aspect = la jurisdicción | los importes | el comienzo | los nombres | el orden de los argumentos | el tono
label_prefix = familia {code}, variante {n} | tipo {code} ({tag}) | serie {L}{n}, enfoque {noun}
duplicate_hint = se parece demasiado al {k}, hay que <vary> <aspect> | duplicado de {k}; <vary> <aspect> | casi igual al <unit> {k} del <batch> {n}
plan_slot = el hueco {n} pide un <unit> sobre {noun}, extensión media | según el plan ahora toca {noun} | plan: posición {n}, tema {noun}
quota = van {n} de {m} en este <batch> | con este son {n}, faltan {m} para cerrar el <batch> | cupo {m}, hechos {n}
instruction = la consigna de este <unit> es <vary> <aspect> | como se pide, <vary> <aspect> | instrucción recibida: <vary> <aspect> y no repetir {noun}
note = nota interna: no volver a usar {noun} | nota del generador: revisar <aspect> al final | interno: fuente {k} verificada
row_reference = igual que el <unit> anterior pero con {noun} | a diferencia del <batch> {n}, esta vez uso {noun} | véase el <unit> {k}
rubric = dificultad objetivo {d}/5, {d} distractores | debe salir de nivel {d} | puntuación: fondo {d}, estilo {d}
selftalk = tengo que <vary> <aspect> para que no suene como el último | esta vez corto y con otro comienzo | aquí conviene que gane la parte débil
persona = escribo como {persona} | papel: {persona}, tono neutro
pass = segunda pasada: solo pulir | borrador {d}, falta traducir
""",
    "french": """
unit = exemple | exercice | énoncé | essai
batch = lot | paquet | bloc | groupe
vary = changer | varier | remplacer | permuter | modifier
aspect = la juridiction | les montants | l'ouverture | les noms | l'ordre des arguments | le ton
label_prefix = famille {code}, variante {n} | type {code} ({tag}) | série {L}{n}, angle {noun}
duplicate_hint = trop proche du {k}, il faut <vary> <aspect> | doublon de {k} ; <vary> <aspect> | presque le même <unit> que {k}, <batch> {n}
plan_slot = la case {n} demande un <unit> sur {noun}, longueur moyenne | d'après le plan c'est au tour de {noun} | plan : position {n}, thème {noun}
quota = {n} sur {m} pour ce <batch> | encore {n} et le <batch> est bouclé | quota {m}, faits {n}
instruction = la consigne pour cet <unit> est de <vary> <aspect> | comme demandé, <vary> <aspect> | consigne reçue : <vary> <aspect>, sans répéter {noun}
note = note interne : ne plus utiliser {noun} | note du générateur : revoir <aspect> à la fin | interne : source {k} vérifiée
row_reference = comme l'<unit> précédent mais avec {noun} | contrairement au <batch> {n}, je prends {noun} cette fois | voir {k}, même patron
rubric = difficulté visée {d}/5, {d} leurres | il faut un niveau {d} | barème : fond {d}, style {d}
selftalk = je dois <vary> <aspect>, sinon on dirait le dernier <unit> | cette fois court, avec une autre entrée | ici la partie faible doit gagner
persona = j'écris en tant que {persona} | rôle : {persona}, ton neutre
pass = deuxième passe : lisser seulement | brouillon {d}, traduction à faire
""",
    "chinese": """
unit = 样本 | 条目 | 题目 | 例子 | 记录
batch = 批次 | 批 | 轮 | 组
aspect = 管辖地 | 金额 | 开头 | 人名 | 论证顺序 | 语气
label_prefix = 类别{code}，变体{n} | 【{code}】{tag}组 | 系列{L}{n}，角度：{noun}
duplicate_hint = 和{k}号太像了，换一下<aspect> | 与第{k}条重复，需要调整<aspect> | 跟<batch>{n}里的<unit>几乎一样
plan_slot = 第{n}个位置要写{noun}，中等长度 | 按计划这里轮到{noun} | 计划：槽位{n}，主题{noun}
quota = 本<batch>已完成{n}/{m} | 还差{n}条就够{m}条 | 配额{m}，已用{n}
instruction = 这个<unit>的要求是改<aspect>，照做 | 按照指示，先改<aspect>再写 | 指令：换<aspect>，不要重复{noun}
note = 内部备注：不要再用{noun} | 生成备注：最后检查<aspect> | 备注：来源{k}已核对
row_reference = 跟上一个<unit>一样，只是换成{noun} | 和第{n}<batch>不同，这次用{noun} | 参见{k}号<unit>
rubric = 目标难度{d}/5，干扰项{d}个 | 难度要到{d}级 | 评分：深度{d}，文风{d}
selftalk = 这次要写得不一样，把<aspect>换掉 | 这一条写短一点，换个开头 | 这里让弱的一方赢
persona = 以{persona}的身份来写 | 角色：{persona}
pass = 第二遍：只润色 | 草稿{d}，还没翻译
""",
    "korean": """
unit = 예시 | 항목 | 문제 | 샘플 | 행
batch = 배치 | 묶음 | 회차 | 세트
aspect = 관할 | 금액 | 도입부 | 이름 | 논증 순서 | 말투
label_prefix = 계열 {code}, 변형 {n} | [{code}] {tag} 유형 | {L}{n} 시리즈, 관점: {noun}
duplicate_hint = {k}번과 너무 비슷함, <aspect> 바꿀 것 | {k}번 중복이므로 <aspect> 변경 | <batch> {n}의 <unit>하고 거의 같음
plan_slot = {n}번 자리는 {noun} 주제, 중간 길이 | 계획상 이번에는 {noun} 차례 | 계획: 위치 {n}, 주제 {noun}
quota = 이번 <batch> {m}개 중 {n}개 완료 | {n}개만 더 쓰면 <batch> 끝 | 할당 {m}, 현재 {n}
instruction = 이 <unit>의 지시는 <aspect> 바꾸기, 그대로 따른다 | 지시대로 <aspect> 먼저 바꾸고 시작 | 지시: {noun} 반복 금지
note = 내부 메모: {noun} 다시 쓰지 말 것 | 생성 메모: 마지막에 <aspect> 확인 | 메모: 출처 {k} 확인 완료
row_reference = 앞의 <unit>하고 같지만 {noun}으로 | <batch> {n}과 달리 이번에는 {noun} 사용 | {k}번 <unit> 참고
rubric = 목표 난이도 {d}/5, 오답 유도 {d}개 | 난이도 {d}단계로 | 채점: 깊이 {d}, 문체 {d}
selftalk = 지난번과 다르게 <aspect> 바꿔야 함 | 이번 것은 짧게, 다른 시작으로 | 여기서는 약한 쪽이 이기게
persona = {persona} 역할로 쓴다 | 역할: {persona}
pass = 두 번째 손질: 다듬기만 | 초안 {d}, 번역 아직
""",
    "russian": """
unit = пример | случай | образец
batch = партия | серия | пачка
vary = сменить | поменять | заменить | переставить
aspect = юрисдикцию | суммы | начало | имена | порядок доводов | тон
label_prefix = семейство {code}, вариант {n} | тип {code} ({tag}) | ряд {L}{n}, ракурс {noun}
duplicate_hint = слишком похоже на {k}, надо <vary> <aspect> | дубль {k}; <vary> <aspect> | почти как <unit> {k}, <batch> {n}
plan_slot = место {n}: тема {noun}, длина средняя | по плану теперь {noun} | план: позиция {n}, тема {noun}
quota = готово {n} из {m}, <batch> почти закрыта | ещё {n}, и хватит | норма {m}, сделано {n}
instruction = указание здесь: <vary> <aspect> | как велено, сначала <vary> <aspect> | инструкция: <vary> <aspect> и не повторять {noun}
note = служебная пометка: {noun} больше не брать | пометка генератора: в конце проверить <aspect> | внутреннее: источник {k} сверен
row_reference = как прошлый <unit>, только с {noun} | не так, как в номере {n}: теперь берём {noun} | смотри {k}
rubric = целевая сложность {d}/5, ложных ходов {d} | нужен уровень {d} | баллы: глубина {d}, слог {d}
selftalk = надо <vary> <aspect>, чтобы не вышло как в прошлый раз | на этот раз коротко и с другим началом | пусть победит слабая сторона
persona = пишу как {persona} | роль: {persona}
pass = второй проход: только шлифовка | черновик {d}, перевода ещё нет
""",
}
