/**
 * Words that carry no topic in a question or a statement: articles, pronouns, auxiliaries, question words, fillers of
 * spoken language. They are neither indexed nor searched.
 */
export const stopWords: ReadonlySet<string> = new Set(
  `a an the this that these those there here and or but if then than so as at by for from in into of off on onto out over to up with
about again against all also am any are aren be because been before being below between both can cannot could couldn did didn do
does doesn doing don down during each few further had hadn has hasn have haven having he her hers herself him himself his how i is
isn it its itself just ll me might more most must my myself no nor not now once only other our ours ourselves own re s same shall
she should shouldn some such t their theirs them themselves they through too under until ve very was wasn we were weren what when
where which while who whom whose why will won would wouldn you your yours yourself yourselves m d
hey hi hello yeah yep wow oh well really thanks thank please ok okay sure gonna wanna lot lots thing things something anything
everything nothing someone anyone everyone let lets got get gets getting much many maybe still even ever never always yet already
according mention mentioned mentions say says said tell told regarding kind kinds type types sort sorts`
    .split(/\s+/)
    .filter(Boolean),
);
