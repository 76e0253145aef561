using System.Collections;
using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Reads an app that came over remoting, as far as its properties are all that it is: a pooler's are, script blocks and tokens do not travel.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Field | AttributeTargets.Parameter)]
public sealed class MigrationAppTransformationAttribute : ArgumentTransformationAttribute
{
    /// <summary>Whether the parameter takes several apps.</summary>
    public bool Several { get; set; }

    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) => (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) switch
    {
        null => null,
        IList several when Several => several.Cast<object?>().Select(One).ToArray(),
        IList { Count: > 1 } several => throw new ArgumentTransformationMetadataException($"Got {several.Count} objects. Make one app of several with New-MigrationApp -Group."),
        IList { Count: 1 } single => One(single[0]),
        _ => Several ? new[] { One(inputData) } : One(inputData),
    };

    private static MigrationApp One(object? value) => value switch
    {
        PSObject { BaseObject: PSCustomObject } bag => FromBag(bag),
        PSObject { BaseObject: MigrationApp app } => app,
        MigrationApp app => app,
        _ => throw new ArgumentTransformationMetadataException("Expected an app, as New-MigrationApp returns it."),
    };

    private static PgBouncerApp FromBag(PSObject bag)
    {
        object? console = bag.Properties[nameof(PgBouncerApp.Console)]?.Value;
        return bag.Properties[nameof(MigrationApp.Kind)]?.Value as string == "PgBouncer" && console is not null
            && bag.Properties[nameof(PgBouncerApp.Database)]?.Value is string database && bag.Properties[nameof(PgBouncerApp.ConfigFile)]?.Value is string file
            ? new PgBouncerApp((PgServer)new PgServerTransformationAttribute().Transform(null!, console)!, database, file)
            : throw new ArgumentTransformationMetadataException("This app came over remoting without what makes it work (script blocks and secrets do not travel). Make it in this session, with New-MigrationApp.");
    }
}
