using PgMigration.DmsModel;

namespace PgMigration.LocalDms;

/// <summary>An endpoint as it is kept on disk, its secret with it: the file is for its owner only.</summary>
internal sealed class EndpointRecord
{
    /// <summary>Its name.</summary>
    public required string Identifier { get; set; }

    /// <summary>Its address.</summary>
    public required string Arn { get; init; }

    /// <summary>source or target.</summary>
    public required string Type { get; set; }

    /// <summary>postgres or aurora-postgresql.</summary>
    public required string Engine { get; set; }

    /// <summary>The host.</summary>
    public required string ServerName { get; set; }

    /// <summary>The port.</summary>
    public required int Port { get; set; }

    /// <summary>The database.</summary>
    public required string Database { get; set; }

    /// <summary>The login.</summary>
    public required string User { get; set; }

    /// <summary>Its secret.</summary>
    public string? Password { get; set; }

    /// <summary>none, require, verify-ca or verify-full.</summary>
    public string SslMode { get; set; } = "none";

    /// <summary>Settings as <c>name=value;</c>.</summary>
    public string? ExtraConnectionAttributes { get; set; }

    /// <summary>What is PostgreSQL's own; without the secret.</summary>
    public PostgreSQLSettings? Settings { get; set; }

    /// <summary>Whether booleans stay booleans, as far as this endpoint has a say.</summary>
    public bool MapsBooleans => Settings?.MapBooleanAsBoolean == true || HasAttribute("mapBooleanAsBoolean");

    /// <summary>Whether an extra connection attribute of this name is true.</summary>
    public bool HasAttribute(string name) => Attribute(name)?.ToUpperInvariant() is "TRUE" or "Y" or "YES" or "1";

    /// <summary>Whether an extra connection attribute of this name says no.</summary>
    public bool IsAttributeFalse(string name) => Attribute(name)?.ToUpperInvariant() is "FALSE" or "N" or "NO" or "0";

    /// <summary>How a task reaches it.</summary>
    public DatabaseEndpoint ToDatabase() => new(ServerName, Port, Database, User, Password, SslMode, Settings?.AfterConnectScript ?? Attribute("afterConnectScript"));

    private string? Attribute(string name) => (ExtraConnectionAttributes ?? string.Empty).Split(';', StringSplitOptions.TrimEntries)
        .Select(part => part.Split('=', 2, StringSplitOptions.TrimEntries)).FirstOrDefault(pair => pair.Length == 2 && pair[0].Equals(name, StringComparison.OrdinalIgnoreCase))?[1];
}
