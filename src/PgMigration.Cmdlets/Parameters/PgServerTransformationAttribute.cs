using System.Collections;
using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Reads a server from what people have: a <c>postgres://</c> address, a key=value string, <c>service=name</c>, or a server that came over remoting.</summary>
/// <remarks>
/// The engine's own conversion prints the value that it could not convert, secret and all. This one says which part is wrong and never
/// prints the value. A server that came over remoting is a bag of properties without its secret, which is then found anew (PGPASSFILE).
/// </remarks>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field | AttributeTargets.Parameter)]
public sealed class PgServerTransformationAttribute : ArgumentTransformationAttribute
{
    private const string Expected = "Expected a server: postgres://user@host:port/database, a string like 'host=… dbname=… user=…', service=name, or a PgServer object.";

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => inputData switch
    {
        null => null,
        PSObject { BaseObject: PSCustomObject } bag => FromBag(bag),
        PSObject wrapped => Transform(engineIntrinsics, wrapped.BaseObject),
        PgServer server => server,
        string text => Parse(text),
        Uri uri => Parse(uri.OriginalString),
        IList { Count: > 0 } several => several.Cast<object?>().Select(one => Transform(engineIntrinsics, one) as PgServer ?? throw Refuse(Expected)).ToArray(),
        _ when inputData.GetType().FullName == typeof(PgServer).FullName =>
            throw Refuse("The server belongs to another build of the module, which was imported earlier. Make the server anew, or open a new session."),
        _ => throw Refuse($"{Expected} Got an object of type {inputData.GetType().Name}."),
    };

    private static PgServer FromBag(PSObject bag)
    {
        string? host = Text(bag, nameof(PgServer.Host));
        string? database = Text(bag, nameof(PgServer.Database));
        string? user = Text(bag, nameof(PgServer.User));
        if (host is null || database is null || user is null || !int.TryParse(Text(bag, nameof(PgServer.Port)), out int port))
        {
            throw Refuse($"{Expected} Got an object without Host, Port, Database or User.");
        }

        var server = new PgServer(host, port, database, user);
        if (Text(bag, nameof(PgServer.SslMode)) is { Length: > 0 } mode)
        {
            server = server.WithSslMode(mode, Text(bag, nameof(PgServer.SslRootCert)));
        }

        return Parse(server.ToString()); // the secret did not travel: PGPASSWORD may have it, or the password file
    }

    private static string? Text(PSObject bag, string property) => bag.Properties[property]?.Value?.ToString();

    private static PgServer Parse(string text)
    {
        try
        {
            return PgServer.Parse(text);
        }
        catch (MigrationException failure)
        {
            throw Refuse(Redaction.Of(failure.Message));
        }
        catch (Exception failure) when (failure is ArgumentException or FormatException)
        {
            throw Refuse(Expected); // a text that is not ours may quote the value
        }
    }

    // without the inner exception, which the engine would print too
    private static ArgumentTransformationMetadataException Refuse(string message) => new(message);
}
