using System.Text.Json;

namespace PgMigration.Faults;

/// <summary>What a session needs to know, as the file between the harness and the session's process holds it.</summary>
internal sealed record SessionSetup
{
    public required string DataDirectory { get; init; }

    public required Address Source { get; init; }

    public required Address Target { get; init; }

    public required Address Console { get; init; }

    public required string ConfigFile { get; init; }

    /// <summary>As the app reaches the target; null where the link knows it.</summary>
    public Address? AppTarget { get; init; }

    public double MaxPause { get; init; } = 5;

    public double PauseTimeout { get; init; } = 2;

    public double FenceTimeout { get; init; } = 2;

    public double PromoteTimeout { get; init; } = 4;

    public static SessionSetup Load(string file) => JsonSerializer.Deserialize<SessionSetup>(File.ReadAllText(file))!;

    public string ToText() => JsonSerializer.Serialize(this);

    /// <summary>A server with its secret; the file is closed to others and lives as long as the run.</summary>
    internal sealed record Address(string Host, int Port, string Database, string User, string? Password)
    {
        public PgServer ToServer() => new(Host, Port, Database, User, Password);

        public static Address Of(PgServer server) => new(server.Host, server.Port, server.Database, server.User, server.FindPassword());
    }
}
