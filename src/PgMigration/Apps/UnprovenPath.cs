namespace PgMigration;

/// <summary>What the checks of an app could not prove: the cutover does not begin unless it is accepted by name.</summary>
/// <param name="Name">One stable word, such as <c>PoolerLoginNotProven</c>: what -Accept takes.</param>
/// <param name="Text">What was not proven, what may come of it, and how to have it proven. Never a secret.</param>
public sealed record UnprovenPath(string Name, string Text);
