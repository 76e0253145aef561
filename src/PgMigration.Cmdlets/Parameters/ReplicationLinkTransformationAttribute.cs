using System.Globalization;
using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Reads a link that came over remoting, which is a bag of properties: what is left of its servers is read from their properties or their text, and their secrets are found anew.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field | AttributeTargets.Parameter)]
public sealed class ReplicationLinkTransformationAttribute : ArgumentTransformationAttribute
{
    private static readonly PgServerTransformationAttribute Servers = new();

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => inputData switch
    {
        null => null,
        PSObject { BaseObject: PSCustomObject } bag => FromBag(bag),
        PSObject { BaseObject: ReplicationLink link } => link,
        ReplicationLink link => link,
        _ => throw Refuse($"Expected a link, such as Start-WalRestore, Start-PgDmsReplication and Get-MigrationLink return. Got an object of type {(inputData is PSObject wrapped ? wrapped.BaseObject : inputData).GetType().Name}."),
    };

    private static ReplicationLink FromBag(PSObject bag) => Text(bag, nameof(ReplicationLink.Kind)) == "Dms" ? DmsFromBag(bag) : WalFromBag(bag);

    private static DmsLink DmsFromBag(PSObject bag)
    {
        if (bag.Properties[nameof(DmsLink.Target)]?.Value is not { } target || bag.Properties[nameof(DmsLink.TaskArns)]?.Value is not { } arns || bag.Properties[nameof(DmsLink.TaskNames)]?.Value is not { } names)
        {
            throw Refuse("Expected a link, also as it comes over remoting. Got an object without Target, TaskArns or TaskNames.");
        }

        return new DmsLink
        {
            Source = Server(bag.Properties[nameof(DmsLink.Source)]?.Value),
            Target = Server(target)!,
            Tasks = [.. LanguagePrimitives.ConvertTo<string[]>(names).Zip(LanguagePrimitives.ConvertTo<string[]>(arns), (name, arn) => new DmsTaskName(name, arn, Text(bag, nameof(DmsLink.SourceLogin))))],
            Access = new DmsAccess { Region = Text(bag, nameof(DmsLink.Region)), Endpoint = Text(bag, nameof(DmsLink.EndpointUrl)) is { } endpoint ? DmsAccess.ParseEndpoint(endpoint) : null },
        };
    }

    private static WalLink WalFromBag(PSObject bag)
    {
        if (Text(bag, nameof(ReplicationLink.Kind)) != "Wal" || bag.Properties[nameof(WalLink.Target)]?.Value is not { } target
            || !ulong.TryParse(Text(bag, nameof(WalLink.SystemIdentifier)), NumberStyles.None, CultureInfo.InvariantCulture, out ulong cluster))
        {
            throw Refuse("Expected a link, also as it comes over remoting. Got an object without Kind, Target or SystemIdentifier.");
        }

        // what Select-Object has left out would become another link without a word: one without an archive, or fed in another way
        string[] lost = [.. ((string[])[nameof(WalLink.Source), nameof(WalLink.TargetAddress), nameof(WalLink.Feed), nameof(WalLink.Archive), nameof(WalLink.BackupName), nameof(WalLink.DataDirectory)])
            .Where(property => bag.Properties[property] is null)];
        if (lost.Length > 0)
        {
            throw Refuse($"Expected a link with all of its properties. Got an object without {string.Join(", ", lost)}: pipe the link itself, or keep them with Select-Object.");
        }

        var server = Server(target)!;
        return new WalLink
        {
            Source = Server(bag.Properties[nameof(WalLink.Source)]?.Value),
            Target = server,
            TargetAddress = Server(bag.Properties[nameof(WalLink.TargetAddress)]?.Value) ?? server,
            Feed = Enum.TryParse<WalFeed>(Text(bag, nameof(WalLink.Feed)), out var feed) ? feed : WalFeed.Prefetcher,
            Archive = Text(bag, nameof(WalLink.Archive)) ?? string.Empty,
            BackupName = Text(bag, nameof(WalLink.BackupName)) ?? string.Empty,
            DataDirectory = Text(bag, nameof(WalLink.DataDirectory)) ?? string.Empty,
            SystemIdentifier = cluster,
        };
    }

    private static PgServer? Server(object? value) => value is null ? null : (PgServer?)Servers.Transform(null!, value);

    private static string? Text(PSObject bag, string property) => bag.Properties[property]?.Value is { } value ? Convert.ToString(value, CultureInfo.InvariantCulture) : null;

    private static ArgumentTransformationMetadataException Refuse(string message) => new(message);
}
