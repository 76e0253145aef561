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

    private const string Expected = "a server, its address, a link (its target is meant), or what Test-PgServer or Invoke-Cutover reported";

    /// <exception cref="MigrationException"><c>ServerTextInvalid</c>, <c>InputNotSupported</c>: it means no server; never with its text.</exception>
    public static PgServer Read(PSObject input)
    {
        object? value = input.BaseObject switch
        {
            PgServer or string or Uri => input.BaseObject,
            ReplicationLink link => link.Target,
            PgServerReport report => report.Server,
            CutoverReport report => report.Target,
            PSCustomObject => OfBag(input),
            _ => throw new PipedObject(input).Refused(Expected),
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

    // What a bag was made of says which of its properties is meant. A journal's record has a Target too: that of a cutover which may have been undone.
    private static object OfBag(PSObject bag)
    {
        var piped = new PipedObject(bag);
        string? property = piped.TypeName switch
        {
            "PgMigration.PgServer" => null,
            "PgMigration.PgServerReport" => nameof(PgServerReport.Server),
            "PgMigration.WalLink" or "PgMigration.DmsLink" or "PgMigration.CutoverReport" => nameof(ReplicationLink.Target),
            var other when other.StartsWith("PgMigration.", StringComparison.Ordinal) => throw piped.Refused(Expected),
            _ when piped.Has(nameof(PgServerReport.Server)) => nameof(PgServerReport.Server),
            _ when piped.Has(nameof(ReplicationLink.Source)) && piped.Has(nameof(ReplicationLink.Target)) && !piped.Has(nameof(CutoverReport.Outcome)) => nameof(ReplicationLink.Target),
            _ => null,
        };
        return property is null ? bag : bag.Properties[property]?.Value ?? throw piped.Lacking(property);
    }
}
