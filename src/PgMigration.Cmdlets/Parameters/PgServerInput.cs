using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>The server that a piped object means: itself, its text, a link's target, or a report's server; also as they come over remoting.</summary>
/// <remarks>
/// A parameter that takes pipeline input by type would do for objects. But when the engine cannot convert what is piped it makes that
/// the error's target, and a mistyped address would be shown with its secret: so the conversion happens here.
/// </remarks>
internal static class PgServerInput
{
    private static readonly PgServerTransformationAttribute Transformation = new();

    /// <exception cref="MigrationException"><c>ServerTextInvalid</c>: it means no server; never with its text.</exception>
    public static PgServer Read(PSObject input)
    {
        object? value = input.BaseObject switch
        {
            PgServer or string or Uri => input.BaseObject,
            ReplicationLink link => link.Target,
            PgServerReport report => report.Server,
            _ => (input.Properties["Target"] ?? input.Properties["Server"])?.Value ?? input,
        };
        try
        {
            return (PgServer)Transformation.Transform(null!, value)!;
        }
        catch (ArgumentTransformationMetadataException failure)
        {
            throw new MigrationException("ServerTextInvalid", MigrationErrorKind.InvalidArgument, failure.Message);
        }
    }
}
