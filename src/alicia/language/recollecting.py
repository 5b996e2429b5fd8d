"""Recollecting in nine languages: "what did I ask?", "what did you say?", "forget all that"."""

from __future__ import annotations

from alicia.language.phrases import ended, word
from alicia.language.stopping import Sentences

asks_what_was_asked = Sentences(
    {
        "en": "what did i say|what did i ask|what did i just say|what did i just ask|"
        "what did i ask you|what did i say to you|what did i just ask you|what was my question|"
        "what have i asked",
        "de": "was habe ich gesagt|was habe ich gefragt|was habe ich dich gefragt|"
        "was habe ich gerade gesagt|was habe ich gerade gefragt|was habe ich eben gesagt|"
        "was hab ich gesagt|was hab ich gefragt|was war meine frage",
        "es": "qué he dicho|qué dije|qué te he pedido|qué te pedí|qué he preguntado|qué pregunté|"
        "qué te he preguntado|qué te pregunté|qué acabo de decir|cuál era mi pregunta",
        "fr": "qu'est ce que j'ai dit|qu'ai je dit|qu'est ce que j'ai demandé|qu'ai je demandé|"
        "qu'est ce que je t'ai demandé|que t'ai je demandé|j'ai dit quoi|j'ai demandé quoi|"
        "quelle était ma question",
        "it": "cosa ho detto|che cosa ho detto|cosa ho chiesto|che cosa ho chiesto|"
        "cosa ti ho chiesto|che cosa ti ho chiesto|cosa ho appena detto|qual era la mia domanda",
        "pt": "o que eu disse|o que eu pedi|o que eu perguntei|o que eu te perguntei|"
        "o que eu te pedi|o que foi que eu disse|o que eu acabei de dizer|"
        "qual era a minha pergunta|qual foi a minha pergunta",
        "zh": "我说了什么|我刚才说了什么|我问了什么|我刚才问了什么|我问了你什么|我刚才问了你什么|"
        "我刚才问你什么了|我的问题是什么",
        "ja": "私は何て言った|私何て言った|私は何と言いましたか|私は何を聞いた|"
        "私は何を聞きましたか|私何を聞いた|今何て聞いたっけ|私の質問は何でしたか|何を聞いたっけ",
        "ko": "내가 뭐라고 했어|내가 뭐라고 했지|내가 뭘 물어봤어|내가 뭘 물어봤지|"
        "내가 방금 뭐라고 했어|내가 뭐 물어봤어|내 질문이 뭐였지",
    }
)
"""Whether this is all that was said."""

asks_what_was_answered = Sentences(
    {
        "en": "what did you say|what did you just say|say that again|say it again|"
        "repeat that|repeat that please|can you repeat that|what was your answer|"
        "what did you answer|please repeat|can you say that again",
        "de": "was hast du gesagt|was hast du gerade gesagt|was hast du eben gesagt|"
        "sag das noch mal|sag das nochmal|sag das noch einmal|wiederhole das|wiederhol das|"
        "kannst du das wiederholen|was hast du geantwortet|was war deine antwort",
        "es": "qué has dicho|qué dijiste|repite eso|repítelo|repite|puedes repetirlo|dilo otra vez|"
        "qué has contestado|qué has respondido",
        "fr": "qu'est ce que tu as dit|qu'as tu dit|tu as dit quoi|répète|répète ça|"
        "peux tu répéter|tu peux répéter|redis le|qu'est ce que tu as répondu|qu'as tu répondu",
        "it": "cosa hai detto|che cosa hai detto|che hai detto|ripeti|ripetilo|puoi ripetere|"
        "dillo di nuovo|dillo ancora|cosa hai risposto|che cosa hai risposto",
        "pt": "o que você disse|o que disse|repita|repete|repita isso|repete isso|pode repetir|"
        "diga de novo|o que você respondeu",
        "zh": "你说了什么|你刚才说了什么|你刚才说什么|再说一遍|再说一次|重复一遍|请再说一遍|"
        "你回答了什么",
        "ja": "何て言った|何て言ったの|何と言いましたか|今何て言った|今何て言ったの|もう一度言って|"
        "もう一回言って|もう一度言ってください|繰り返して|何て答えた",
        "ko": "뭐라고 했어|방금 뭐라고 했어|뭐라고 했지|다시 말해 줘|다시 말해줘|다시 한번 말해 줘|"
        "한번 더 말해 줘|뭐라고 대답했어",
    }
)
"""Whether this is all that was said."""

asks_to_forget = Sentences(
    {
        "en": "forget what we talked about|forget what we were talking about|"
        "please forget what we talked about|forget what we spoke about|forget our conversation|"
        "please forget our conversation|forget this conversation|forget the conversation|"
        "delete our conversation|forget what we just talked about|forget what we said",
        "de": "vergiss worüber wir gesprochen haben|vergiss was wir besprochen haben|"
        "vergiss worüber wir geredet haben|vergiss bitte worüber wir gesprochen haben|"
        "vergiss unser gespräch|vergiss bitte unser gespräch|bitte vergiss unser gespräch|"
        "vergiss dieses gespräch|vergiss das gespräch|lösch unser gespräch|lösche unser gespräch|"
        "vergessen sie unser gespräch|vergessen sie worüber wir gesprochen haben",
        "es": "olvida lo que hemos hablado|olvida de lo que hemos hablado|olvida lo que hablamos|"
        "olvida de lo que hablamos|olvida nuestra conversación|olvida esta conversación|"
        "olvida la conversación|por favor olvida nuestra conversación|borra nuestra conversación|"
        "borra esta conversación",
        "fr": "oublie ce dont nous avons parlé|oublie ce dont on a parlé|oublie notre conversation|"
        "oublie cette conversation|oublie la conversation|oublie ce qu'on a dit|"
        "oublie ce que nous avons dit|efface notre conversation|efface cette conversation|"
        "oubliez notre conversation",
        "it": "dimentica di cosa abbiamo parlato|dimentica quello di cui abbiamo parlato|"
        "dimentica ciò di cui abbiamo parlato|dimentica la nostra conversazione|"
        "dimentica questa conversazione|dimentica la conversazione|dimentica quello che ci siamo"
        " detti|cancella la nostra conversazione|cancella questa conversazione",
        "pt": "esqueça o que conversamos|esquece o que conversamos|esqueça do que falamos|"
        "esquece do que falamos|esqueça sobre o que falamos|esquece o que falámos|"
        "esqueça a nossa conversa|esquece a nossa conversa|esqueça nossa conversa|"
        "esquece nossa conversa|esqueça esta conversa|esquece esta conversa|esqueça essa conversa|"
        "apague a nossa conversa|apaga a nossa conversa",
        "zh": "忘掉我们的对话|忘记我们的对话|忘了我们的对话|忘掉我们说过的话|忘记我们说过的话|"
        "忘掉我们刚才说的|忘记我们刚才说的|忘掉我们聊过的|忘记我们聊过的|忘掉我们刚才聊的|"
        "忘记我们刚才聊的|请忘掉我们的对话|请忘记我们的对话|删除我们的对话|把我们的对话忘掉",
        "ja": "話したことを忘れて|さっき話したことを忘れて|さっきの話は忘れて|さっきの話を忘れて|"
        "今の会話を忘れて|この会話を忘れて|会話を忘れて|さっきの会話を忘れて|"
        "話したことを忘れてください|会話を忘れてください|この会話を忘れてください|会話を消して",
        "ko": "우리가 한 이야기 잊어 줘|우리가 한 이야기 잊어줘|우리가 한 얘기 잊어 줘|"
        "우리가 한 얘기 잊어줘|우리가 나눈 대화 잊어 줘|우리가 나눈 대화 잊어줘|"
        "우리 대화 잊어 줘|우리 대화 잊어줘|우리 대화를 잊어 줘|우리 대화를 잊어줘|"
        "이 대화를 잊어 줘|이 대화 잊어줘|대화를 잊어 줘|대화 지워 줘|우리 대화 지워 줘",
    }
)
"""Whether this is all that was said: the conversation so far is to be forgotten."""


def recollected(key: str, words: str | None, language: str, *, known: bool) -> str:
    """What was said, or why it can't be told. Raises UnsupportedLanguageError.

    key: `asked` or `answered`.
    """
    if not known:
        return word("recall.nothing", language)
    if not words:
        return word("recall.unkept", language)
    return word(f"recall.{key}", language, text=ended(words, language))
