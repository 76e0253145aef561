namespace PgMigration.Faults;

/// <summary>How a run ended.</summary>
/// <param name="Scenario">What was done.</param>
/// <param name="End">Where the app runs; null when it is stuck.</param>
/// <param name="Lost">Acknowledged commits that are nowhere, or not where the app is now.</param>
/// <param name="Doubled">Ids or rows that are there twice, or were acknowledged twice.</param>
/// <param name="SplitBrain">Commits of one server although the other had taken over.</param>
/// <param name="Stuck">What keeps the run from being at one of the two clean ends: an app that cannot write, something left behind.</param>
/// <param name="Commits">How many commits were acknowledged.</param>
/// <param name="Time">How long it took.</param>
/// <param name="Log">What was done and said when.</param>
internal sealed record RunResult(
    Scenario Scenario, CutoverOutcome? End, IReadOnlyList<string> Lost, IReadOnlyList<string> Doubled, IReadOnlyList<string> SplitBrain, IReadOnlyList<string> Stuck,
    int Commits, TimeSpan Time, IReadOnlyList<string> Log)
{
    /// <summary>Whether nothing is wrong.</summary>
    public bool Passed => Lost.Count + Doubled.Count + SplitBrain.Count + Stuck.Count == 0;
}
