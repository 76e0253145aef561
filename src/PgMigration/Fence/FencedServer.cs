using Npgsql;

namespace PgMigration;

/// <summary>A server that is being fenced, and who asks it.</summary>
/// <param name="Session">Our session there, which may write.</param>
/// <param name="Own">The process ids of all our sessions there, which the fence spares.</param>
/// <param name="Logins">The servers as logins that must be refused: the app's own, as far as it is known.</param>
/// <param name="Limit">How long transactions that cannot be ended may take.</param>
public sealed record FencedServer(NpgsqlConnection Session, int[] Own, IReadOnlyList<PgServer> Logins, TimeSpan Limit)
{
    /// <summary>The logins whose sessions a link of DMS needs behind the fence too.</summary>
    internal string[] Spared { get; init; } = [];
}
